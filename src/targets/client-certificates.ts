// SPDX-License-Identifier: Apache-2.0
// Which clients a web configuration lets in by their certificates, beyond what OpenSSL itself refuses.

import type { X509Certificate } from 'node:crypto';

export const clientAuthTypes = [
  '',
  'NoClientCert',
  'RequestClientCert',
  // An old name of the next.
  'RequireClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuthType = (typeof clientAuthTypes)[number];

/** Whether a client without a certificate is to be refused. */
export const requiresCertificate = (type: ClientAuthType): boolean => type.startsWith('Require');

/** As much of a TLS connection as is looked at. */
export interface ClientConnection {
  /** Whether the chain of the certificate ends at a trusted authority. */
  readonly authorized: boolean;
  getPeerX509Certificate(): X509Certificate | undefined;
}

/** `0:0:0:0:0:0:0:1` → `::1`, as Go shows addresses. */
const shortAddress = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;

const kinds: ReadonlySet<string> = new Set(['DNS', 'IP Address', 'email', 'URI']);

/** DNS names, addresses, e-mail addresses and URIs of a certificate. */
export function alternativeNames(certificate: Pick<X509Certificate, 'subjectAltName'>): string[] {
  // Node quotes, as JSON, what could be taken for several names.
  const entry = /([^:",]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/gy;
  const names: string[] = [];
  for (const [, kind = '', shown = ''] of (certificate.subjectAltName ?? '').matchAll(entry)) {
    if (!kinds.has(kind)) continue;
    const name = shown.startsWith('"') ? String(JSON.parse(shown)) : shown;
    names.push(kind === 'IP Address' ? shortAddress(name) : name);
  }
  return names;
}

/**
 * Why a client is not let in; undefined: it is.
 * @param allowedNames its certificate must have one of these; undefined: any will do
 */
export function clientRefusal(
  client: ClientConnection,
  type: ClientAuthType,
  allowedNames: readonly string[] | undefined,
): string | undefined {
  const certificate = client.getPeerX509Certificate();
  if (certificate === undefined) {
    return requiresCertificate(type) || allowedNames !== undefined
      ? "client didn't provide a certificate"
      : undefined;
  }
  if (type === 'VerifyClientCertIfGiven' && !client.authorized) return 'bad certificate';
  if (allowedNames === undefined) return undefined;
  const names = alternativeNames(certificate);
  if (names.some((name) => allowedNames.includes(name))) return undefined;
  return `could not find allowed SANs in client cert, found: [${names.join(' ')}]`;
}
