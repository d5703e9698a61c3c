// SPDX-License-Identifier: Apache-2.0
export type { Alert, AlertParts } from './alert.ts';
export { Alertmanager, type AlertmanagerParts } from './alertmanager.ts';
export { AlertmanagerApi, type ApiParts } from './api/api.ts';
export { type Explanation, explain } from './explain.ts';
export type { InhibitRuleOptions } from './inhibit/inhibitor.ts';
export {
  matcherText,
  type MatcherMode,
  MatcherSyntaxError,
  matchersText,
  parseMatcher,
  parseMatchers,
} from '../model/index.ts';
export * from './notify/integration.ts';
export type { ReceiverValue } from './nflog/log-entry.ts';
export type { AlertmanagerOptions } from './options.ts';
export { Route, type RouteOptions } from './route/route.ts';
export type { NumberRange, TimeIntervalOptions } from './route/time-interval.ts';
export { SnapshotError } from './snapshot-file.ts';
export type { ReceiverContext } from './receivers/context.ts';
export { defaultTemplates } from './receivers/default-templates.ts';
export * from './receivers/options.ts';
export { type AwsSigner, createAwsSigner } from './receivers/aws-signer.ts';
export { createReceivers } from './receivers/receivers.ts';
export { type PlainTemplateData, plainTemplateData } from './receivers/template-data.ts';
