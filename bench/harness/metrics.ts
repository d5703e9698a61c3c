// SPDX-License-Identifier: Apache-2.0
// What servers say of themselves at /metrics.

/** Values of `hearth_event_loop_delay_seconds` by quantile, since the metrics were read before. */
export function loopDelaysOf(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  const pattern = /^hearth_event_loop_delay_seconds\{stat="([^"]+)"\} (\S+)$/gm;
  for (const [, name = '', value] of text.matchAll(pattern)) found[name] = Number(value);
  return found;
}

/** A metric without labels; 0 when it is not there. */
export function metricOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? '0');
}
