// SPDX-License-Identifier: Apache-2.0

import type { SecureContextOptions, SecureVersion } from 'node:tls';
import type { SecretSource, TlsOptions, TlsVersion } from '../base/index.ts';
import type { SecretFiles } from './http-secrets.ts';

const versions: Readonly<Record<TlsVersion, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** The part of Node's connection options that TLS settings turn into. */
export interface TlsConnectOptions extends SecureContextOptions {
  servername?: string;
  rejectUnauthorized?: boolean;
}

const sourcesOf = (options: TlsOptions | undefined): SecretSource[] =>
  [options?.ca, options?.cert, options?.key].filter((source) => source !== undefined);

/** Changes when any of the files does: time for new connections. '' without files. */
export function tlsStamp(options: TlsOptions | undefined, files: SecretFiles): string {
  return sourcesOf(options)
    .map(({ file }) => (file ? files.stamp(file) : ''))
    .join('|');
}

/** Node's options for these settings, with the files' present contents. @throws HttpError `auth` */
export function tlsConnectOptions(
  options: TlsOptions | undefined,
  files: SecretFiles,
): TlsConnectOptions {
  const connect: TlsConnectOptions = {
    minVersion: versions[options?.minVersion ?? 'TLS12'],
  };
  if (!options) return connect;
  const ca = files.value(options.ca, 'CA cert');
  const cert = files.value(options.cert, 'client cert');
  const key = files.value(options.key, 'client key');
  if (ca) connect.ca = ca;
  if (cert) connect.cert = cert;
  if (key) connect.key = key;
  if (options.serverName) connect.servername = options.serverName;
  if (options.maxVersion) connect.maxVersion = versions[options.maxVersion];
  if (options.insecureSkipVerify) connect.rejectUnauthorized = false;
  return connect;
}
