// SPDX-License-Identifier: Apache-2.0

/** `metric_name_validation_scheme`: any UTF-8 text, or only the old ASCII names. */
export type NameScheme = 'utf8' | 'legacy';

const legacyLabelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const legacyMetricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const loneSurrogate = /\p{Cs}/u;

/** Whether `name` can be a label's name under `scheme`. */
export function isValidLabelName(name: string, scheme: NameScheme): boolean {
  if (scheme === 'legacy') return legacyLabelName.test(name);
  return name !== '' && !loneSurrogate.test(name);
}

/** Whether `name` can be a metric's name under `scheme`. */
export function isValidMetricName(name: string, scheme: NameScheme): boolean {
  if (scheme === 'legacy') return legacyMetricName.test(name);
  return name !== '' && !loneSurrogate.test(name);
}
