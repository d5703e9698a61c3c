// SPDX-License-Identifier: Apache-2.0
export type { OutgoingAlert } from './alert.ts';
export { createNotifierMetrics, type NotifierMetrics } from './metrics.ts';
export { Notifier, type NotifierDependencies } from './notifier.ts';
export type { AlertmanagerSetOptions, NotifierOptions, SigV4Options } from './options.ts';
export type { RequestSigner } from './send-loop.ts';
