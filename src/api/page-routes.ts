// SPDX-License-Identifier: Apache-2.0
// The built page: one index for all its routes, with the server's settings written in, and its assets,
// whose names change with their content.

import type { UiSettings } from '../apitypes/index.ts';
import type { FileSystem, ServerResponse } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import { textAnswer } from './answers.ts';
import type { ApiServices } from './services.ts';

/** Paths that the page routes by itself. */
export const pagePaths: readonly string[] = [
  '/agent',
  '/alertmanager-discovery',
  '/alerts',
  '/config',
  '/explore',
  '/flags',
  '/query',
  '/rules',
  '/service-discovery',
  '/status',
  '/targets',
  '/tsdb-status',
];

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
};

const contentTypeOf = (path: string): string =>
  contentTypes[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

/** A plain path below a directory: no empty, hidden or parent parts. */
const isPlainPath = (path: string): boolean =>
  path.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.includes('\0'));

function decodedPath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

async function fileAnswer(
  files: FileSystem,
  directory: string,
  path: string,
  caching: string,
): Promise<ServerResponse> {
  const plain = decodedPath(path);
  if (directory === '' || plain === undefined || !isPlainPath(plain)) return notFound();
  try {
    const body = await files.readFile(`${directory}/${plain}`);
    const headers = { 'content-type': contentTypeOf(plain), 'cache-control': caching };
    return { status: 200, headers, body };
  } catch (error) {
    if (error instanceof FileError) return notFound();
    throw error;
  }
}

export function notFound(): ServerResponse {
  return textAnswer(404, '404 page not found\n', { 'x-content-type-options': 'nosniff' });
}

/** JSON that can stand inside a script element. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replace(/</g, '\\u003c');

const attributeText = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export class PageRoutes {
  private readonly services: ApiServices;
  /** The index as it was last read, and what of it and around it decides whether that still holds. */
  private index: { readonly body: Uint8Array; readonly version: string } | undefined;

  constructor(services: ApiServices) {
    this.services = services;
  }

  /** The page itself. */
  async page(): Promise<ServerResponse> {
    const body = await this.readIndex();
    if (body === undefined) {
      return textAnswer(404, 'The page is not built: run "npm run build".\n');
    }
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' };
    return { status: 200, headers, body };
  }

  /** A file whose name holds a hash of its content. */
  asset(path: string): Promise<ServerResponse> {
    return this.file(`assets/${path}`, 'public, max-age=31536000, immutable');
  }

  /** A file of the page under a fixed name: favicon, manifest. */
  named(path: string): Promise<ServerResponse> {
    return this.file(path, 'public, max-age=3600');
  }

  /** A file below `--web.user-assets`. */
  userAsset(path: string): Promise<ServerResponse> {
    return fileAnswer(this.services.files, this.services.userAssets, path, 'no-cache');
  }

  private file(path: string, caching: string): Promise<ServerResponse> {
    return fileAnswer(this.services.files, this.services.uiDirectory, path, caching);
  }

  /** As upstream: their own index, or else that of the files that the server was given. */
  private consolesLink(): string {
    const { files, consoles, userAssets } = this.services;
    if (consoles !== undefined && files.existsSync(`${consoles.templates}/index.html`)) {
      return '/consoles/index.html';
    }
    const isUsers = userAssets !== '' && files.existsSync(`${userAssets}/index.html`);
    return isUsers ? '/user/index.html' : '';
  }

  /** Read again when the file has changed: a new build must not be served with old names of assets. */
  private async readIndex(): Promise<Uint8Array | undefined> {
    const { files, uiDirectory, uiSettings } = this.services;
    const path = `${uiDirectory}/index.html`;
    try {
      const { modifiedMs, sizeBytes } = files.statSync(path);
      const consolesLink = this.consolesLink();
      const version = `${modifiedMs} ${sizeBytes} ${consolesLink}`;
      if (this.index?.version === version) return this.index.body;
      const settings: UiSettings = { ...uiSettings, consolesLink };
      const html = new TextDecoder()
        .decode(await files.readFile(path))
        .replaceAll('__HEARTH_BASE__', () => attributeText(`${uiSettings.pathPrefix}/`))
        .replaceAll('__HEARTH_SETTINGS__', () => scriptJson(settings));
      const body = new TextEncoder().encode(html);
      this.index = { body, version };
      return body;
    } catch (error) {
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }
}
