// SPDX-License-Identifier: Apache-2.0
import './shell.css';
import { BrowserRouter } from 'react-router-dom';
import { renderPage } from '../shared/components/root.tsx';
import { App } from './app.tsx';
import { prefixOf, readServerSettings } from './settings.ts';

const settings = readServerSettings(document.getElementById('settings')?.textContent ?? '');
const prefix = prefixOf(window.location.pathname);
document.title = settings.title;

renderPage(
  prefix,
  <BrowserRouter basename={prefix === '' ? '/' : prefix}>
    <App settings={settings} />
  </BrowserRouter>,
);
