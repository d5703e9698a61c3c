// SPDX-License-Identifier: Apache-2.0
// /consoles: pages that people wrote as templates, run in a query worker.

import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { labelsToObject } from '../model/index.ts';
import { glob } from '../discovery/index.ts';
import { ApiError, textAnswer } from './answers.ts';
import { sniffedContentType } from './content-type.ts';
import type { ConsoleJob } from './query-job.ts';
import type { ApiServices } from './services.ts';

/** Of a console and of each library: what is longer is a mistake. */
const TEMPLATE_BYTES_MAX = 4 << 20;

/** Go's words for what can be wrong with opening a file. */
const openErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EACCES: 'permission denied',
};

const plainError = (status: number, message: string): ServerResponse =>
  textAnswer(status, `${message}\n`, { 'x-content-type-options': 'nosniff' });

/** A path that stays below its root: `.` and `..` resolved, as from the root. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** All values of each parameter. */
function valuesOf(params: URLSearchParams): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const [name, value] of params) {
    if (Object.hasOwn(values, name)) values[name]?.push(value);
    else Object.defineProperty(values, name, { value: [value], enumerable: true });
  }
  return values;
}

export class ConsoleRoutes {
  private readonly services: ApiServices;

  constructor(services: ApiServices) {
    this.services = services;
  }

  /** @param path below the console directory */
  async page(request: ServerRequest, path: string): Promise<ServerResponse> {
    const { files, consoles, clock, externalUrl, externalLabels } = this.services;
    const directory = consoles?.templates ?? '';
    const clean = cleanPath(path);
    const file = clean === '' ? directory : `${directory}/${clean}`;
    if (path.includes('\0')) return plainError(404, 'http: invalid character in file path');
    let source: ConsoleJob['source'];
    try {
      if (files.statSync(file).isDirectory) {
        return plainError(500, `read ${file}: is a directory`);
      }
      const text = await this.read(file);
      source = { name: `/${path}`, text, libraries: await this.libraries() };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const why = openErrors[error.code] ?? error.message;
      const status = error.path === file ? 404 : 500;
      return plainError(status, `open ${error.path}: ${why}`);
    }
    const labels = labelsToObject(externalLabels?.() ?? []);
    const data = { params: valuesOf(request.params), externalLabels: labels };
    return this.answer(request, {
      kind: 'console',
      source,
      data,
      timeMs: clock.now(),
      externalUrl,
    });
  }

  private async libraries(): Promise<ConsoleJob['source']['libraries']> {
    const { files, consoles } = this.services;
    const paths = glob(files, `${consoles?.libraries ?? ''}/*.lib`);
    return Promise.all(
      paths.map(async (path) => ({
        name: path.slice(path.lastIndexOf('/') + 1),
        text: await this.read(path),
      })),
    );
  }

  private async read(path: string): Promise<string> {
    const { files } = this.services;
    if (files.statSync(path).sizeBytes > TEMPLATE_BYTES_MAX) {
      throw new ApiError('internal', `${path} is larger than ${TEMPLATE_BYTES_MAX} bytes`);
    }
    return new TextDecoder().decode(await files.readFile(path));
  }

  private async answer(request: ServerRequest, job: ConsoleJob): Promise<ServerResponse> {
    const { workers, queryTimeoutMs: timeoutMs } = this.services;
    let message: string;
    try {
      const answer = await workers.run(job, { timeoutMs, signal: request.signal });
      if (answer.ok) {
        const headers = { 'content-type': sniffedContentType(answer.body) };
        return { status: 200, headers, body: answer.body };
      }
      ({ message } = answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      ({ message } = error);
    }
    return plainError(500, message);
  }
}
