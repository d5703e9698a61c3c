// SPDX-License-Identifier: Apache-2.0
export * from './gateway.ts';
export * from './persistence.ts';
export * from './prepare.ts';
export { routePrefix } from './request-path.ts';
