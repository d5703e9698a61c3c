// SPDX-License-Identifier: Apache-2.0

/** Values of log fields; durations and times are formatted by the caller. */
export type LogValue = string | number | boolean | undefined | Error | readonly string[];
export type LogFields = Readonly<Record<string, LogValue>>;

/** Levelled, structured log. `error` values under the key `err` print their message (and causes). */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` added to every line, e.g. `{ component: 'scrape manager' }`. */
  child(fields: LogFields): Logger;
}

const nothing = (): void => undefined;

/** A logger that drops everything; for tests and embedding. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
