// SPDX-License-Identifier: Apache-2.0
import '../prometheus/shell.css';
import './alertmanager.css';
import { HashRouter, Navigate, Route, Routes } from 'react-router-dom';
import { renderPage } from '../shared/components/root.tsx';
import { AlertsPage } from './alerts/alerts-page.tsx';
import { SettingsPage } from './settings-page.tsx';
import { Shell } from './shell.tsx';
import { EditSilencePage, NewSilencePage } from './silences/silence-form-pages.tsx';
import { SilencePage } from './silences/silence-page.tsx';
import { SilencesPage } from './silences/silences-page.tsx';
import { StatusPage } from './status-page.tsx';
import { WhatIfPage } from './why/what-if-page.tsx';

/** What stands before `/#/`: right behind any proxy that adds a prefix or takes one away. */
const prefix = window.location.pathname.replace(/\/(index\.html)?$/, '');

renderPage(
  prefix,
  // Links in notifications that were sent years ago must open: the pages stay behind the hash.
  // Not as transitions: a switch that waits for its address would spring back.
  <HashRouter useTransitions={false}>
    <Shell>
      <Routes>
        <Route path="/alerts" element={<AlertsPage />} />
        <Route path="/silences" element={<SilencesPage />} />
        <Route path="/silences/new" element={<NewSilencePage />} />
        <Route path="/silences/:id" element={<SilencePage />} />
        <Route path="/silences/:id/edit" element={<EditSilencePage />} />
        <Route path="/what-if" element={<WhatIfPage />} />
        <Route path="/status" element={<StatusPage />} />
        <Route path="/settings" element={<SettingsPage />} />
        <Route path="*" element={<Navigate to="/alerts" replace />} />
      </Routes>
    </Shell>
  </HashRouter>,
);
