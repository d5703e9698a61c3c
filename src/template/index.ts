// SPDX-License-Identifier: Apache-2.0
export { alertFunctions } from './alert-functions.ts';
export { jsonText } from './json.ts';
export { escapeQuery } from './builtins.ts';
export { type ConsoleData, type ConsoleSource, expandConsole } from './console-template.ts';
export { TemplateError } from './errors.ts';
export { defaultLimits, type ExecutionLimits } from './execute.ts';
export { formatScientific } from './float-format.ts';
export { print, printf, printValue } from './format.ts';
export { humanizeDuration } from './humanize.ts';
export { type QuerySample, type RuleTemplateContext, ruleFunctions } from './rule-functions.ts';
export { AlertExpander, type AlertTemplateData, checkAlertTemplate } from './rule-template.ts';
export { type TemplateFunctions, TemplateSet } from './template.ts';
export {
  DurationValue,
  durationText,
  formatTime,
  parseTime,
  TimeValue,
  ZERO_TIME_MS,
} from './time.ts';
export * from './values.ts';
