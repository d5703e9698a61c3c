// SPDX-License-Identifier: Apache-2.0
export { DiscoveryPage } from './discovery-page.tsx';
export { TargetsPage } from './targets-page.tsx';
