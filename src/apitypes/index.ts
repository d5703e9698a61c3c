// SPDX-License-Identifier: Apache-2.0
export * from './alertmanager.ts';
export * from './envelope.ts';
export * from './pushgateway.ts';
export * from './query.ts';
export * from './rules.ts';
export * from './status.ts';
export * from './syntax.ts';
export * from './targets.ts';
export * from './ui-settings.ts';
