// SPDX-License-Identifier: Apache-2.0
export { type AlertmanagerConfig, parseAlertmanagerConfig } from './alertmanager-config.ts';
export type { AlertingConfig, AlertmanagerEntry } from './alerting-section.ts';
export * from './config.ts';
export type { DiscoverySection, NotYetSupported } from './discovery-section.ts';
export type { GlobalConfig } from './global-section.ts';
export type { ScrapeJob } from './job-section.ts';
export { parseHttpClientFile } from './http-section.ts';
export { marshalConfig, marshalJob, relabelFields } from './marshal.ts';
export { directoryOf, resolvePath } from './paths.ts';
export { parseRuleFile, type RuleFile, type RuleFileDefaults } from './rule-file.ts';
export {
  ConfigError,
  type ConfigIssue,
  formatIssue,
  YamlFile,
  YamlMapping,
  type YamlValue,
} from './yaml-value.ts';
export type { RetentionOptions, StorageOptions } from './storage-section.ts';
