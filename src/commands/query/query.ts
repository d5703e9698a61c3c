// SPDX-License-Identifier: Apache-2.0
// `promtool query instant|range|series|labels`: questions to a server.

import type { HttpClient, HttpClientOptions } from '../../base/index.ts';
import { defaultHttpClientOptions, FileError } from '../../base/index.ts';
import { ConfigError, parseHttpClientFile } from '../../config/index.ts';
import type { Command, CommandArgument, CommandFlag, CommandHost } from '../command.ts';
import { CommandError, type CommandValues } from '../command.ts';
import { parseGoDuration } from '../go-text.ts';
import { QueryApi, serverUrl } from './query-client.ts';
import {
  goJson,
  labelSetText,
  type MetricLabels,
  type QueryData,
  resultJson,
  resultText,
  sortedLabels,
} from './sample-text.ts';

const HOUR_MS = 3_600_000;
const RANGE_MS = 5 * 60_000;
/** Bounds of lookups that name none, from now. */
const LOOKUP_MS = 9999 * HOUR_MS;
/** Steps of a range query that names no step, about. */
const STEPS = 250;

export const formatFlag: CommandFlag = {
  name: 'format',
  short: 'o',
  kind: 'choice',
  choices: ['promql', 'json'],
  byDefault: 'promql',
  help: 'Output format of the query.',
};

export const httpConfigFlag: CommandFlag = {
  name: 'http.config.file',
  kind: 'text',
  help: 'HTTP client configuration file for promtool to connect to Prometheus.',
};

const timeFlag = (name: string, help: string): CommandFlag => ({ name, kind: 'text', help });
const matchFlag: CommandFlag = {
  name: 'match',
  kind: 'list',
  help: 'Series selector. Can be specified multiple times.',
};
const lookupTimes = [
  timeFlag('start', 'Start time (RFC3339 or Unix timestamp).'),
  timeFlag('end', 'End time (RFC3339 or Unix timestamp).'),
];

export const serverArgument: CommandArgument = {
  name: 'server',
  help: 'Prometheus server to query.',
  required: true,
};
export const expressionArgument: CommandArgument = {
  name: 'expr',
  help: 'PromQL query expression.',
  required: true,
};

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Seconds since the epoch, or RFC 3339, as milliseconds. @throws CommandError */
export function parseQueryTime(text: string, what: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text) * 1000;
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  const why = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
  throw new CommandError(`error parsing ${what} time: ${why}`);
}

/** Seconds as the API takes them. */
export const secondsText = (ms: number): string => String(ms / 1000);

function timeOf(values: CommandValues, name: string, absentMs: number): number {
  const text = values.text(name);
  return text === '' ? absentMs : parseQueryTime(text, name);
}

/** `KEY=VALUE`s of --header. @throws CommandError */
export const headersOf = (values: CommandValues): Record<string, string> =>
  pairsOf(values, 'header');

/** The `KEY=VALUE`s of a flag. @throws CommandError */
export function pairsOf(values: CommandValues, flag: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of values.list(flag)) {
    const equals = text.indexOf('=');
    if (equals < 0) {
      throw new CommandError(`promtool: error: expected KEY=VALUE got '${text}', try --help`);
    }
    headers[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return headers;
}

/** What `--http.config.file` says. @throws CommandError */
export function httpOptions(values: CommandValues, host: CommandHost): HttpClientOptions {
  const path = values.text('http.config.file');
  if (path === '') return defaultHttpClientOptions;
  try {
    return parseHttpClientFile(host.files.readTextSync(path), path);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof FileError)) throw error;
    throw new CommandError(`failed to load HTTP config file: ${error.message}`, { cause: error });
  }
}

/** Has `ask` ask the server that the command line names. */
export async function withServer<T>(
  values: CommandValues,
  host: CommandHost,
  ask: (api: QueryApi) => Promise<T>,
): Promise<T> {
  const server = serverUrl(values.text('server'));
  const headers = headersOf(values);
  const http: HttpClient = host.createHttpClient(httpOptions(values, host));
  try {
    return await ask(new QueryApi(http, server, headers));
  } finally {
    await http.close();
  }
}

/** @throws CommandError when the answer is none that the client library reads */
function printResult(data: QueryData, values: CommandValues, host: CommandHost): number {
  if (data.resultType === 'string') {
    throw new CommandError('query error: unexpected value type "string"');
  }
  host.out(values.text('format') === 'json' ? resultJson(data) : resultText(data));
  return 0;
}

export const queryInstantCommand: Command = {
  words: ['query', 'instant'],
  help: 'Run instant query.',
  flags: [timeFlag('time', 'Query evaluation time (RFC3339 or Unix timestamp).')],
  args: [serverArgument, expressionArgument],
  run: async (values, host) => {
    const time = values.text('time');
    const timeMs = time === '' ? host.clock.now() : parseQueryTime(time, 'evaluation');
    const query = values.text('expr');
    const parameters = new URLSearchParams({ query, time: secondsText(timeMs) });
    const data = await withServer(values, host, (api) => api.post('/query', parameters));
    return printResult(data as QueryData, values, host);
  },
};

/** A duration of the command line, ms. @throws CommandError */
export function durationOf(text: string): number {
  try {
    return parseGoDuration(text);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`promtool: error: ${error.message}, try --help`, { cause: error });
  }
}

/** Bounds and step of a range query in milliseconds. @throws CommandError */
export function rangeOf(
  values: CommandValues,
  host: CommandHost,
): { startMs: number; endMs: number; stepMs: number } {
  const endMs = timeOf(values, 'end', host.clock.now());
  const startMs = timeOf(values, 'start', endMs - RANGE_MS);
  if (startMs >= endMs) throw new CommandError('start time is not before end time');
  const text = values.list('step').at(-1);
  const byDefault = Math.max(Math.floor((endMs - startMs) / 1000 / STEPS), 1) * 1000;
  const stepMs = text === undefined ? byDefault : durationOf(text);
  return { startMs, endMs, stepMs: stepMs === 0 ? byDefault : stepMs };
}

export const rangeFlags: readonly CommandFlag[] = [
  timeFlag('start', 'Query range start time (RFC3339 or Unix timestamp).'),
  timeFlag('end', 'Query range end time (RFC3339 or Unix timestamp).'),
  timeFlag('step', 'Query step size (duration).'),
];

export const queryRangeCommand: Command = {
  words: ['query', 'range'],
  help: 'Run range query.',
  flags: [
    { name: 'header', kind: 'list', help: 'Extra headers to send to server.' },
    ...rangeFlags,
  ],
  args: [serverArgument, expressionArgument],
  run: async (values, host) => {
    const { startMs, endMs, stepMs } = rangeOf(values, host);
    const parameters = new URLSearchParams({
      query: values.text('expr'),
      start: secondsText(startMs),
      end: secondsText(endMs),
      step: secondsText(stepMs),
    });
    const data = await withServer(values, host, (api) => api.post('/query_range', parameters));
    return printResult(data as QueryData, values, host);
  },
};

/** Parameters of a lookup: bounds and selectors. @throws CommandError */
function lookupOf(values: CommandValues, host: CommandHost): URLSearchParams {
  const nowMs = host.clock.now();
  const parameters = new URLSearchParams({
    start: secondsText(timeOf(values, 'start', nowMs - LOOKUP_MS)),
    end: secondsText(timeOf(values, 'end', nowMs + LOOKUP_MS)),
  });
  for (const selector of values.list('match')) parameters.append('match[]', selector);
  return parameters;
}

export const querySeriesCommand: Command = {
  words: ['query', 'series'],
  help: 'Run series query.',
  flags: [{ ...matchFlag, required: true }, ...lookupTimes],
  args: [serverArgument],
  run: async (values, host) => {
    const parameters = lookupOf(values, host);
    const data = await withServer(values, host, (api) => api.get('/series', parameters));
    const series = data as readonly MetricLabels[];
    if (values.text('format') === 'json') host.out(goJson(series.map(sortedLabels)));
    else host.out(series.map((labels) => `${labelSetText(labels)}\n`).join(''));
    return 0;
  },
};

export const queryLabelsCommand: Command = {
  words: ['query', 'labels'],
  help: 'Run labels query.',
  flags: [...lookupTimes, matchFlag],
  args: [
    serverArgument,
    { name: 'name', help: 'Label name to provide label values for.', required: true },
  ],
  run: async (values, host) => {
    const parameters = lookupOf(values, host);
    const path = `/label/${encodeURIComponent(values.text('name'))}/values`;
    const data = await withServer(values, host, (api) => api.get(path, parameters));
    const names = data as readonly string[];
    if (values.text('format') === 'json') host.out(goJson(names));
    else host.out(names.map((name) => `${name}\n`).join(''));
    return 0;
  },
};
