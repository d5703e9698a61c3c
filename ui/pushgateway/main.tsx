// SPDX-License-Identifier: Apache-2.0
import '../prometheus/shell.css';
import './gateway.css';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router-dom';
import { renderPage } from '../shared/components/root.tsx';
import { GroupsPage } from './groups-page.tsx';
import { Shell } from './shell.tsx';
import { StatusPage } from './status-page.tsx';

/** The part of the path before the page's name: right behind any proxy that adds one or takes one away. */
const prefix = window.location.pathname.replace(/\/(status)?\/?$/, '');

renderPage(
  prefix,
  <BrowserRouter basename={prefix === '' ? '/' : prefix}>
    <Shell>
      <Routes>
        <Route path="/" element={<GroupsPage />} />
        <Route path="/status" element={<StatusPage />} />
        <Route path="*" element={<Navigate to="/" replace />} />
      </Routes>
    </Shell>
  </BrowserRouter>,
);
