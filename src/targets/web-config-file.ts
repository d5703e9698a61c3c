// SPDX-License-Identifier: Apache-2.0
// The file of `--web.config.file`: what may stand in it, and TLS options from it.

import { readFileSync, statSync } from 'node:fs';
import type { ServerOptions as HttpsOptions } from 'node:https';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** A web configuration that cannot be used. */
export class WebConfigError extends Error {
  override name = 'WebConfigError';
}

const tlsVersions = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
} as const;
const tlsVersion = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']);

const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

/** Go's names of curves as OpenSSL's. */
const curves = {
  CurveP256: 'prime256v1',
  CurveP384: 'secp384r1',
  CurveP521: 'secp521r1',
  X25519: 'X25519',
} as const;
const curve = z.enum(['CurveP256', 'CurveP384', 'CurveP521', 'X25519']);

const tlsSchema = z.strictObject({
  cert_file: z.string().optional(),
  key_file: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  client_auth_type: z.enum(clientAuthTypes).default('NoClientCert'),
  client_ca_file: z.string().optional(),
  client_ca: z.string().optional(),
  min_version: tlsVersion.default('TLS12'),
  max_version: tlsVersion.default('TLS13'),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(curve).optional(),
});

const headersSchema = z.strictObject({
  'Content-Security-Policy': z.string().optional(),
  'X-Frame-Options': z.enum(['deny', 'sameorigin', '']).optional(),
  'X-Content-Type-Options': z.enum(['nosniff', '']).optional(),
  'X-XSS-Protection': z.string().optional(),
  'Strict-Transport-Security': z.string().optional(),
});

const fileSchema = z.strictObject({
  tls_server_config: tlsSchema.optional(),
  http_server_config: z
    .strictObject({ http2: z.boolean().default(true), headers: headersSchema.optional() })
    .optional(),
  basic_auth_users: z.record(z.string(), z.string()).optional(),
});

type TlsConfig = z.infer<typeof tlsSchema>;
export type WebConfigFile = z.infer<typeof fileSchema>;

/** @throws WebConfigError */
export function loadWebConfig(path: string): WebConfigFile {
  let value: unknown;
  try {
    value = parse(readFileSync(path, 'utf8'), { uniqueKeys: true }) ?? {};
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WebConfigError(`cannot load ${path}: ${why}`, { cause: error });
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new WebConfigError(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** When a file was last changed; 0 when it isn't there. */
export const modifiedMs = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Text of a setting that is given inline or as a file. @throws WebConfigError */
function content(
  name: string,
  inline: string | undefined,
  file: string | undefined,
  below: string,
): string {
  if (inline !== undefined && file !== undefined) {
    throw new WebConfigError(`only one of ${name} and ${name}_file can be set`);
  }
  if (inline !== undefined) return inline;
  if (file === undefined) throw new WebConfigError(`missing one of ${name} or ${name}_file`);
  try {
    return readFileSync(isAbsolute(file) ? file : join(below, file), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WebConfigError(`cannot read ${name}_file: ${why}`, { cause: error });
  }
}

function tlsOptions(config: TlsConfig, below: string): HttpsOptions {
  const auth = config.client_auth_type;
  const hasCa = config.client_ca !== undefined || config.client_ca_file !== undefined;
  if (hasCa && auth === 'NoClientCert') {
    throw new WebConfigError('client CAs have been configured without a client auth policy');
  }
  const preferences = config.curve_preferences;
  return {
    cert: content('cert', config.cert, config.cert_file, below),
    key: content('key', config.key, config.key_file, below),
    ...(hasCa ? { ca: content('client_ca', config.client_ca, config.client_ca_file, below) } : {}),
    minVersion: tlsVersions[config.min_version],
    maxVersion: tlsVersions[config.max_version],
    honorCipherOrder: config.prefer_server_cipher_suites,
    requestCert: auth !== 'NoClientCert',
    rejectUnauthorized: auth === 'RequireAndVerifyClientCert',
    ...(preferences === undefined
      ? {}
      : { ecdhCurve: preferences.map((name) => curves[name]).join(':') }),
  };
}

/** TLS options read from the files now; undefined: plain HTTP. @throws WebConfigError */
export function tlsOf(file: WebConfigFile, path: string): HttpsOptions | undefined {
  const config = file.tls_server_config;
  return config === undefined ? undefined : tlsOptions(config, dirname(path));
}

/** A text that changes when a file that {@link tlsOf} reads does. */
export function tlsState(file: WebConfigFile, path: string): string {
  const config = file.tls_server_config;
  return [config?.cert_file, config?.key_file, config?.client_ca_file]
    .map((name) => (name === undefined ? '' : name))
    .map((name) => modifiedMs(isAbsolute(name) ? name : join(dirname(path), name)))
    .join();
}
