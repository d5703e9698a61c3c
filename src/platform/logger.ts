// SPDX-License-Identifier: Apache-2.0
// The log in the shape of Go's slog, which people's log pipelines already parse:
//
//   time=2026-01-02T03:04:05.678Z level=INFO source=server.js:12 msg="…" component=tsdb
//
// or the same keys, in the same order, as one JSON object a line.

import type { LogFields, Logger, LogValue } from '../base/index.ts';
import { FileError } from '../base/index.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['logfmt', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one whole line, newline included. Default: stderr. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch, for the time of a line. Default: the wall clock. */
  readonly now?: () => number;
}

/** How many causes of an error are printed after its message. */
const CAUSES_MAX = 5;

/** A failed file operation says itself what the system said. */
const causeOf = (error: Error): unknown => (error instanceof FileError ? undefined : error.cause);

/** An error's message followed by those of its causes that it doesn't already contain. */
function errorText(error: Error): string {
  let text = error.message === '' ? error.name : error.message;
  let cause = causeOf(error);
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth++) {
    if (!text.includes(cause.message)) text += `: ${cause.message}`;
    cause = causeOf(cause);
  }
  return text;
}

/** `file.js:12` of who called `logged`. */
function callerPlace(logged: (message: string, fields?: LogFields) => void): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, logged);
  const caller = (holder.stack ?? '').split('\n')[1] ?? '';
  const match = /([^/\\(\s]+):(\d+):\d+\)?$/.exec(caller);
  return match === null ? 'unknown:0' : `${match[1]}:${match[2]}`;
}

const needsQuotes = /[\s="\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\ufeff]/;

function logfmtText(text: string): string {
  if (text !== '' && !needsQuotes.test(text)) return text;
  // JSON's escapes are Go's, but for control characters, which Go writes as \x1b.
  return JSON.stringify(text).replace(/\\u00([01][0-9a-f])/g, '\\x$1');
}

function logfmtValue(value: LogValue): string {
  if (value instanceof Error) return logfmtText(errorText(value));
  if (typeof value === 'object') return logfmtText(`[${value.join(' ')}]`);
  return typeof value === 'string' ? logfmtText(value) : String(value);
}

const jsonValue = (value: LogValue): unknown => (value instanceof Error ? errorText(value) : value);

function line(format: LogFormat, fields: readonly (readonly [string, LogValue])[]): string {
  const present = fields.filter(([, value]) => value !== undefined);
  if (format === 'json') {
    return `{${present.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(jsonValue(value))}`).join(',')}}\n`;
  }
  return `${present.map(([key, value]) => `${key}=${logfmtValue(value)}`).join(' ')}\n`;
}

/** A logger that writes whole lines at once, so that nothing is lost when the process dies. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((text: string) => void process.stderr.write(text));
  const now = options.now ?? Date.now;
  const lowest = logLevels.indexOf(options.level);

  const make = (bound: readonly (readonly [string, LogValue])[]): Logger => {
    const log = (level: LogLevel) => {
      const logged = (message: string, fields?: LogFields): void => {
        if (logLevels.indexOf(level) < lowest) return;
        write(
          line(options.format, [
            ['time', new Date(now()).toISOString()],
            ['level', level.toUpperCase()],
            ['source', callerPlace(logged)],
            ['msg', message],
            ...bound,
            ...Object.entries(fields ?? {}),
          ]),
        );
      };
      return logged;
    };
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      child: (fields) => make([...bound, ...Object.entries(fields)]),
    };
  };
  return make([]);
}
