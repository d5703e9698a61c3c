// SPDX-License-Identifier: Apache-2.0
// Matchers, labels and times as they stand on amtool's command line.

import { type MatcherMode, MatcherSyntaxError, parseMatcher } from '../../alertmanager/index.ts';
import { DurationError, type Matcher, parseDuration, quote } from '../../model/index.ts';
import { parseTime } from '../../template/index.ts';
import { CommandError, type CommandHost, type CommandValues } from '../command.ts';
import type { ApiMatcher } from './api-types.ts';

const RFC3339 = '2006-01-02T15:04:05Z07:00';

/** How matchers are read. @throws CommandError */
function modeOf(values: CommandValues): MatcherMode {
  const features = values
    .text('enable-feature')
    .split(',')
    .filter((feature) => feature !== '');
  for (const feature of features) {
    if (!/^(?:classic-mode|utf8-strict-mode|receiver-name-in-metrics)$/.test(feature)) {
      const what = `unknown option '${feature}' for --enable-feature`;
      throw new CommandError(`error parsing the feature flag list: ${what}\n`);
    }
  }
  if (features.includes('classic-mode')) return 'classic';
  return features.includes('utf8-strict-mode') ? 'utf8' : 'fallback';
}

/** Reads one matcher. @throws MatcherSyntaxError */
export type ReadMatcher = (text: string) => Matcher;

/** The reader that the flags ask for; with --verbose it tells of what two grammars read differently. */
export function matcherReader(values: CommandValues, host: CommandHost): ReadMatcher {
  const mode = modeOf(values);
  const verbose = values.flag('verbose');
  return (text) =>
    parseMatcher(text, mode, (input, reason) => {
      if (verbose) host.err(`${input}: ${reason}\n`);
    });
}

/** The words, the first of them as the name of an alert when it is no matcher. */
export function withAlertname(words: readonly string[], read: ReadMatcher): readonly string[] {
  const [first, ...rest] = words;
  if (first === undefined) return words;
  try {
    read(first);
    return words;
  } catch (error) {
    if (!(error instanceof MatcherSyntaxError)) throw error;
    return [`alertname=${quote(first)}`, ...rest];
  }
}

/** @throws CommandError */
export function readMatchers(words: readonly string[], read: ReadMatcher): Matcher[] {
  try {
    return words.map(read);
  } catch (error) {
    if (!(error instanceof MatcherSyntaxError)) throw error;
    throw new CommandError(error.message);
  }
}

/** `name=value` words. @param what `labels` or `annotations`, for the error. @throws CommandError */
export function readPairs(
  words: readonly string[],
  read: ReadMatcher,
  what: string,
): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const { name, type, value } of readMatchers(words, read)) {
    if (type !== '=') throw new CommandError(`${what} must be specified as key=value pairs`);
    pairs[name] = value;
  }
  return pairs;
}

/** A moment, milliseconds since the epoch. @throws CommandError */
export function readMoment(text: string): number {
  const ms = parseTime(RFC3339, text);
  if (ms !== undefined) return ms;
  const problem = `cannot parse ${quote(text)} as "2006"`;
  throw new CommandError(`parsing time ${quote(text)} as ${quote(RFC3339)}: ${problem}`);
}

/** How long a silence lasts, in milliseconds. @throws CommandError */
export function readSilenceDuration(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new CommandError(error.message);
  }
  if (ms === 0) throw new CommandError('silence duration must be greater than 0');
  return ms;
}

export const toApiMatcher = ({ name, type, value }: Matcher): ApiMatcher => ({
  isEqual: type === '=' || type === '=~',
  isRegex: type === '=~' || type === '!~',
  name,
  value,
});

export function fromApiMatcher({ name, value, isRegex, isEqual }: ApiMatcher): Matcher {
  const equal = isEqual ?? true;
  const type = isRegex ? (equal ? '=~' : '!~') : equal ? '=' : '!=';
  return { name, type, value };
}
