// SPDX-License-Identifier: Apache-2.0
// `promtool debug pprof|metrics|all`: what a server knows of itself, in one archive.

import { HttpError, type HttpClient } from '../../base/index.ts';
import { defaultHttpClientOptions } from '../../base/index.ts';
import { quote } from '../../model/index.ts';
import type { Command, CommandHost } from '../command.ts';
import { CommandError } from '../command.ts';
import { serverUrl } from '../query/query-client.ts';
import { tarArchive } from './tar.ts';

const ARCHIVE = 'debug.tar.gz';
/** Profiles take half a minute to be made. */
const TIMEOUT_MS = 120_000;
const BODY_BYTES_MAX = 1 << 30;

interface Endpoint {
  readonly path: string;
  readonly file: string;
  /** A gzipped profile, stored as it is inside. */
  readonly isProfile?: boolean;
}

const profile = (path: string, file: string): Endpoint => ({
  path: `/debug/pprof/${path}`,
  file,
  isProfile: true,
});

const profiles: readonly Endpoint[] = [
  profile('profile?seconds=30', 'cpu.pb'),
  profile('block', 'block.pb'),
  profile('goroutine', 'goroutine.pb'),
  profile('heap', 'heap.pb'),
  profile('mutex', 'mutex.pb'),
  profile('threadcreate', 'threadcreate.pb'),
  { path: '/debug/pprof/trace?seconds=30', file: 'trace.pb' },
];
const metrics: readonly Endpoint[] = [{ path: '/metrics', file: 'metrics.txt' }];

async function collect(
  http: HttpClient,
  server: string,
  { path, file, isProfile }: Endpoint,
  host: CommandHost,
): Promise<{ name: string; body: Uint8Array }> {
  const url = server + path;
  host.out(`collecting: ${url}\n`);
  const options = { headers: {}, timeoutMs: TIMEOUT_MS, bodyLimitBytes: BODY_BYTES_MAX };
  let body: Uint8Array;
  try {
    ({ body } = await http.request({ method: 'GET', url, ...options }));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const told = error.message.startsWith('Get "');
    const why = told ? error.message : `Get ${quote(url)}: ${error.message}`;
    throw new CommandError(`error executing HTTP request: ${why}`, { cause: error });
  }
  if (isProfile !== true) return { name: file, body };
  const plain = host.gunzip(body);
  if (plain === undefined) {
    throw new CommandError(
      `error post-processing HTTP response body: ${url} did not answer with a profile`,
    );
  }
  return { name: file, body: plain };
}

const debugCommand = (
  word: string,
  help: string,
  what: string,
  endpoints: readonly Endpoint[],
): Command => ({
  words: ['debug', word],
  help,
  flags: [],
  args: [{ name: 'server', help: `Prometheus server to get ${what} from.`, required: true }],
  run: async (values, host) => {
    const http = host.createHttpClient(defaultHttpClientOptions);
    try {
      const server = serverUrl(values.text('server'));
      const files: { name: string; body: Uint8Array }[] = [];
      for (const endpoint of endpoints) files.push(await collect(http, server, endpoint, host));
      host.files.writeFileSync(ARCHIVE, host.gzip(tarArchive(files)));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(`error completing debug command: ${error.message}`, { cause: error });
    } finally {
      await http.close();
    }
    host.out(`Compiling debug information complete, all files written in ${quote(ARCHIVE)}.\n`);
    return 0;
  },
});

export const debugCommands: readonly Command[] = [
  debugCommand('pprof', 'Fetch profiling debug information.', 'pprof files', profiles),
  debugCommand('metrics', 'Fetch metrics debug information.', 'metrics', metrics),
  debugCommand('all', 'Fetch all debug information.', 'all debug information', [
    ...profiles,
    ...metrics,
  ]),
];
