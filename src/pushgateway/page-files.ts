// SPDX-License-Identifier: Apache-2.0
// The built page and its assets.

import type { FileSystem, ServerResponse } from '../base/index.ts';
import { FileError } from '../base/index.ts';

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

const attributeText = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** JSON that can stand inside a script element. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replace(/</g, '\\u003c');

export class PageFiles {
  private readonly files: FileSystem;
  private readonly directory: string;
  private readonly pathPrefix: string;
  private index: string | undefined;

  /** @param pathPrefix  what browsers have before our paths: the path of the external URL */
  constructor(files: FileSystem, directory: string, pathPrefix: string) {
    this.files = files;
    this.directory = directory;
    this.pathPrefix = pathPrefix;
  }

  async page(): Promise<ServerResponse> {
    try {
      if (this.index === undefined) {
        const template = await this.files.readFile(`${this.directory}/index.html`);
        this.index = new TextDecoder()
          .decode(template)
          .replaceAll('__HEARTH_BASE__', () => attributeText(`${this.pathPrefix}/`))
          .replaceAll('__HEARTH_SETTINGS__', () => scriptJson({ pathPrefix: this.pathPrefix }));
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      return { status: 404, headers, body: 'The page is not built: run "npm run build".\n' };
    }
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' };
    return { status: 200, headers, body: this.index };
  }

  /** A file below the page's directory; undefined where there is none. */
  async file(path: string, caching: string): Promise<ServerResponse | undefined> {
    const isPlain = path
      .split('/')
      .every((part) => part !== '' && !part.startsWith('.') && !part.includes('\0'));
    const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)];
    if (!isPlain || type === undefined) return undefined;
    try {
      const body = await this.files.readFile(`${this.directory}/${path}`);
      return { status: 200, headers: { 'content-type': type, 'cache-control': caching }, body };
    } catch (error) {
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }
}
