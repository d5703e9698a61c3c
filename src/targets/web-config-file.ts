// SPDX-License-Identifier: Apache-2.0
// The file of `--web.config.file`: what may stand in it, and TLS options from it.

import { readFileSync, statSync } from 'node:fs';
import type { ServerOptions as HttpsOptions } from 'node:https';
import { dirname, isAbsolute, join } from 'node:path';
import type { Document } from 'yaml';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { clientAuthTypes, requiresCertificate } from './client-certificates.ts';

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

/** Names of TLS 1.2's cipher suites in Go, and in OpenSSL; those of 1.3 are always on. */
const cipherSuites: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

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
  client_allowed_sans: z.array(z.string()).nullish(),
  min_version: tlsVersion.default('TLS12'),
  max_version: tlsVersion.default('TLS13'),
  cipher_suites: z.array(z.string().refine((name) => Object.hasOwn(cipherSuites, name))).nullish(),
  prefer_server_cipher_suites: z.boolean().default(true),
  curve_preferences: z.array(curve).nullish(),
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

/** Go's types of the sections, for messages. */
const sectionTypes: Readonly<Record<string, string>> = {
  '': 'web.Config',
  tls_server_config: 'web.TLSConfig',
  http_server_config: 'web.HTTPConfig',
};

/** Where a key stands in the file; 1 when it cannot be told. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  const parent = document.getIn(path.slice(0, -1), true);
  const map = path.length === 1 ? document.contents : parent;
  if (!isMap(map)) return 1;
  for (const { key } of map.items) {
    const { value, range } = key as { value?: unknown; range?: readonly number[] | null };
    if (value === path.at(-1)) return lines.linePos(range?.[0] ?? 0).line;
  }
  return 1;
}

const headerChoices: Readonly<Record<string, string>> = {
  'X-Frame-Options': '["deny" "sameorigin"]',
  'X-Content-Type-Options': '["nosniff"]',
};

/** What is wrong, in upstream's words where it has words for it. */
function issueText(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): string {
  const path = issue.path.map(String);
  const place = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    if (place === 'http_server_config.headers') {
      return `HTTP header ${JSON.stringify(issue.keys[0])} can not be configured`;
    }
    const fields = issue.keys.map((key) => {
      const line = lineOf(document, lines, [...path, key]);
      return `\n  line ${line}: field ${key} not found in type ${sectionTypes[place] ?? place}`;
    });
    return `yaml: unmarshal errors:${fields.join('')}`;
  }
  const given = String(document.getIn(issue.path) ?? '');
  const choices = headerChoices[place.replace('http_server_config.headers.', '')];
  if (choices !== undefined) {
    const name = path.at(-1) ?? '';
    return `invalid value for ${name}. Expected one of: ${choices}, but got: ${JSON.stringify(given)}`;
  }
  if (place.endsWith('_version')) return `unknown TLS version: ${given}`;
  if (place.includes('cipher_suites.')) return `unknown cipher: ${given}`;
  if (place.includes('curve_preferences.')) return `unknown curve: ${given}`;
  if (place.endsWith('client_auth_type')) return `Invalid ClientAuth: ${given}`;
  return `${place}: ${issue.message}`;
}

/** The shortest thing that bcrypt can be. */
const HASH_LENGTH_MIN = 59;

/** What bcrypt has against a user's hash; undefined when nothing. */
function hashProblem(hash: string): string | undefined {
  if (hash.length < HASH_LENGTH_MIN) {
    return 'crypto/bcrypt: hashedSecret too short to be a bcrypted password';
  }
  if (!hash.startsWith('$')) {
    return `crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '${hash.charAt(0)}'`;
  }
  const version = hash.charAt(1);
  if (version > '2') {
    return `crypto/bcrypt: bcrypt algorithm version '${version}' requested is newer than current version '2'`;
  }
  return undefined;
}

/** @throws WebConfigError: the message does not name the file */
function readWebConfig(path: string): WebConfigFile {
  const lines = new LineCounter();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WebConfigError(why, { cause: error });
  }
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [broken] = document.errors;
  if (broken !== undefined)
    throw new WebConfigError(`yaml: ${broken.message.split('\n')[0] ?? ''}`, { cause: broken });
  const parsed = fileSchema.safeParse(document.toJS() ?? {});
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) throw new WebConfigError(issueText(issue, document, lines));
  const file = parsed.data ?? {};
  for (const hash of Object.values(file.basic_auth_users ?? {})) {
    const problem = hashProblem(hash);
    if (problem !== undefined) throw new WebConfigError(problem);
  }
  return file;
}

/** @throws WebConfigError */
export function loadWebConfig(path: string): WebConfigFile {
  try {
    return readWebConfig(path);
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error;
    throw new WebConfigError(`${path}: ${error.message}`, { cause: error });
  }
}

/** What keeps a server from starting with this file; undefined when nothing does. */
export function webConfigProblem(path: string): string | undefined {
  try {
    tlsOf(readWebConfig(path), path);
    return undefined;
  } catch (error) {
    if (!(error instanceof WebConfigError)) throw error;
    return error.message;
  }
}

/** When a file was last changed; 0 when it isn't there. */
export const modifiedMs = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Text of a setting that is given inline or as a file. @throws WebConfigError */
function content(name: string, inline: string | undefined, file = '', below: string): string {
  if (inline !== undefined && file !== '') {
    throw new WebConfigError(`only one of ${name} and ${name}_file can be set`);
  }
  if (inline !== undefined) return inline;
  try {
    return readFileSync(isAbsolute(file) ? file : join(below, file), 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isMissing ? 'no such file or directory' : String(error);
    const what =
      name === 'client_ca' ? `unable to read ${name}_file` : 'failed to load X509KeyPair';
    throw new WebConfigError(`${what}: open ${file}: ${why}`, { cause: error });
  }
}

function tlsOptions(config: TlsConfig, below: string): HttpsOptions {
  const pair = [config.cert ?? config.cert_file, config.key ?? config.key_file];
  ['cert', 'key'].forEach((name, i) => {
    if (pair[i] === undefined) throw new WebConfigError(`missing one of ${name} or ${name}_file`);
  });
  const cert = content('cert', config.cert, config.cert_file, below);
  const key = content('key', config.key, config.key_file, below);
  const auth = config.client_auth_type;
  const asks = auth !== '' && auth !== 'NoClientCert';
  const hasCa = (config.client_ca ?? '') !== '' || (config.client_ca_file ?? '') !== '';
  if (hasCa && !asks) {
    throw new WebConfigError('client CAs have been configured without a client auth policy');
  }
  if ((config.client_allowed_sans ?? []).length > 0 && !requiresCertificate(auth)) {
    throw new WebConfigError(
      'client_allowed_sans needs a client_auth_type that requires a certificate: RequireAndVerifyClientCert or RequireAnyClientCert',
    );
  }
  const preferences = config.curve_preferences ?? [];
  const suites = config.cipher_suites ?? [];
  return {
    cert,
    key,
    ...(hasCa ? { ca: content('client_ca', config.client_ca, config.client_ca_file, below) } : {}),
    minVersion: tlsVersions[config.min_version],
    maxVersion: tlsVersions[config.max_version],
    honorCipherOrder: config.prefer_server_cipher_suites,
    requestCert: asks,
    rejectUnauthorized: auth === 'RequireAndVerifyClientCert',
    ...(suites.length === 0 ? {} : { ciphers: suites.map((name) => cipherSuites[name]).join(':') }),
    ...(preferences.length === 0
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
