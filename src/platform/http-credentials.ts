// SPDX-License-Identifier: Apache-2.0

import type { HttpClientOptions } from '../base/index.ts';
import type { SecretFiles } from './http-secrets.ts';

export type HeaderValues = Record<string, string | string[]>;

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

function hasFiles(options: HttpClientOptions): boolean {
  const { basicAuth, authorization, httpHeaders } = options;
  const sources = [basicAuth?.username, basicAuth?.password, authorization?.credentials];
  if (sources.some((source) => source?.file !== undefined)) return true;
  return Object.values(httpHeaders ?? {}).some(({ files }) => files.length > 0);
}

function build(options: HttpClientOptions, files: SecretFiles): HeaderValues {
  const headers: HeaderValues = {};
  for (const [name, header] of Object.entries(options.httpHeaders ?? {})) {
    const secrets = header.files.map((file) => files.value({ file }, 'http header'));
    headers[name.toLowerCase()] = [...header.values, ...header.secrets, ...secrets];
  }
  const { basicAuth, authorization } = options;
  if (basicAuth) {
    const user = files.value(basicAuth.username, 'basic auth username');
    const password = files.value(basicAuth.password, 'basic auth password');
    headers.authorization = `Basic ${base64(`${user}:${password}`)}`;
  } else if (authorization) {
    const credentials = files.value(authorization.credentials, 'authorization credentials');
    headers.authorization = `${authorization.type} ${credentials}`;
  }
  return headers;
}

/**
 * The headers that show who is asking, with the present contents of secret files. They are for the
 * configured host only.
 */
export function credentialHeaders(
  options: HttpClientOptions,
  files: SecretFiles,
): () => HeaderValues {
  if (hasFiles(options)) return () => build(options, files);
  const fixed = build(options, files);
  return () => fixed;
}
