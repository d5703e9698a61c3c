// SPDX-License-Identifier: Apache-2.0
export { AlertmanagersPage } from './alertmanagers-page.tsx';
export { ConfigPage } from './config-page.tsx';
export { FlagsPage } from './flags-page.tsx';
export { StatusPage } from './status-page.tsx';
export { TsdbPage } from './tsdb-page.tsx';
