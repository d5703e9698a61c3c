// SPDX-License-Identifier: Apache-2.0
export { AlertsPage } from './alerts-page.tsx';
export { RulesPage } from './rules-page.tsx';
