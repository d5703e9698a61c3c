// SPDX-License-Identifier: Apache-2.0
// Failed exchanges in the words that Prometheus's users know from the Targets page.

import { HttpError, type HttpErrorCode } from '../base/index.ts';

/** The errno-like properties that Node's and undici's errors carry. */
interface ErrorFields {
  readonly code: string;
  readonly syscall: string;
  readonly address: string;
  readonly port: number | undefined;
  readonly hostname: string;
}

function fieldsOf(error: Error): ErrorFields {
  const record: Partial<Record<string, unknown>> = { ...error };
  const text = (key: string): string => (typeof record[key] === 'string' ? record[key] : '');
  return {
    code: text('code'),
    syscall: text('syscall'),
    address: text('address'),
    port: typeof record.port === 'number' ? record.port : undefined,
    hostname: text('hostname'),
  };
}

const errnoTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ECONNABORTED: 'software caused connection abort',
  EHOSTUNREACH: 'no route to host',
  EHOSTDOWN: 'host is down',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  EPIPE: 'broken pipe',
  EMFILE: 'too many open files',
  EINVAL: 'invalid argument',
};

const unknownAuthority = 'certificate signed by unknown authority';
const certificateTexts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'certificate has expired or is not yet valid',
  CERT_REVOKED: 'certificate has been revoked',
};

/** Alerts that Go words in another way than the specification, whose words OpenSSL has. */
const alertTexts: Readonly<Record<string, string>> = {
  'protocol version': 'protocol version not supported',
  'unknown ca': 'unknown certificate authority',
  'certificate expired': 'expired certificate',
  'certificate revoked': 'revoked certificate',
  'certificate unknown': 'unknown certificate',
  'decrypt error': 'error decrypting message',
};

/** Which names a certificate has, from Node's message about one it lacks. */
function nameMismatch(message: string): string {
  const match =
    /Host: (\S+?)\.? is not in the cert's altnames: (.*)$/.exec(message) ??
    /IP: (\S+) is not in the cert's list: (.*)$/.exec(message);
  if (!match) return message;
  const names = (match[2] ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return `certificate is valid for ${names.join(', ')}, not ${match[1]}`;
}

/** What went wrong with TLS, in Go's words; undefined when it was something else. */
function tlsText(code: string, message: string): string | undefined {
  const certificate = certificateTexts[code];
  if (certificate) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `tls: failed to verify certificate: x509: ${nameMismatch(message)}`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return 'http: server gave HTTP response to HTTPS client';
  const alert = /^ERR_SSL_(?:TLSV1_3|TLSV13|TLSV1|SSLV3)_ALERT_(.+)$/.exec(code);
  if (alert) {
    const name = (alert[1] ?? '').toLowerCase().replaceAll('_', ' ');
    return `remote error: tls: ${alertTexts[name] ?? name}`;
  }
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code.startsWith('ERR_OSSL_'))
    return `tls: ${message.replace(/^.*error:[^:]*:[^:]*:[^:]*:([^:]*).*$/s, '$1')}`;
  return undefined;
}

function endpoint(fields: ErrorFields): string {
  if (fields.port === undefined) return `dial unix ${fields.address}`;
  const host = fields.address.includes(':') ? `[${fields.address}]` : fields.address;
  return `dial tcp ${host}:${fields.port}`;
}

interface Explanation {
  readonly code: HttpErrorCode;
  readonly text: string;
}

/** System errors: upstream names the step (dial, read, write) and both ends where known. */
function explainErrno(error: Error, fields: ErrorFields): Explanation | undefined {
  const text = errnoTexts[fields.code];
  if (!text) return undefined;
  if (fields.syscall === 'connect')
    return { code: 'connection', text: `${endpoint(fields)}: connect: ${text}` };
  const verb = fields.syscall === 'write' || fields.code === 'EPIPE' ? 'write' : 'read';
  const peer = peerOf(error);
  return { code: 'connection', text: `${verb} tcp${peer}: ${verb}: ${text}` };
}

/** undici attaches the socket's two ends to some errors. */
function peerOf(error: Error): string {
  const socket: unknown = 'socket' in error ? error.socket : undefined;
  if (typeof socket !== 'object' || socket === null) return '';
  const { localAddress, localPort, remoteAddress, remotePort } = {
    localAddress: '',
    localPort: 0,
    remoteAddress: '',
    remotePort: 0,
    ...socket,
  };
  return localAddress ? ` ${localAddress}:${localPort}->${remoteAddress}:${remotePort}` : '';
}

/** The server does not speak HTTP, or not to the end. */
function malformed(error: Error, bodyStarted: boolean): string {
  if (/chunk size/i.test(error.message)) return 'invalid byte in chunk length';
  const broken = 'net/http: HTTP/1.x transport connection broken';
  if (bodyStarted) return `${broken}: ${error.message}`;
  const received: unknown = 'data' in error ? error.data : undefined;
  const line = typeof received === 'string' ? received.split(/\r?\n/)[0]?.slice(0, 100) : undefined;
  return `${broken}: malformed HTTP response ${JSON.stringify(line ?? error.message)}`;
}

/** What to say about an error that undici or Node raised. */
function explain(error: Error, bodyStarted: boolean): Explanation {
  // Several addresses were tried: the first one's failure is told.
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return explain(error.errors[0], bodyStarted);
  const fields = fieldsOf(error);
  const { code } = fields;
  const tls = tlsText(code, error.message);
  if (tls) return { code: 'tls', text: tls };
  if (code === 'ENOTFOUND')
    return { code: 'connection', text: `dial tcp: lookup ${fields.hostname}: no such host` };
  if (code === 'EAI_AGAIN')
    return { code: 'connection', text: `dial tcp: lookup ${fields.hostname}: server misbehaving` };
  const errno = explainErrno(error, fields);
  if (errno) return errno;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { code: 'timeout', text: 'dial tcp: i/o timeout' };
  if (code === 'UND_ERR_SOCKET' || code === 'HPE_INVALID_EOF_STATE')
    return { code: 'connection', text: bodyStarted ? 'unexpected EOF' : 'EOF' };
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return { code: 'connection', text: 'unexpected EOF' };
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW')
    return { code: 'connection', text: 'net/http: server response headers exceeded limit' };
  if (code.startsWith('HPE_') || error.name === 'HTTPParserError')
    return { code: 'decode', text: malformed(error, bodyStarted) };
  return { code: 'connection', text: error.message };
}

/** `Get "http://…": `, in front of what failed before the answer began. */
export function requestPrefix(method: string, url: string): string {
  const shown = url.replace(/^(https?:\/\/[^/@:]*:)[^/@]*@/, '$1xxxxx@');
  return `${method[0] ?? ''}${method.slice(1).toLowerCase()} ${JSON.stringify(shown)}: `;
}

/**
 * Any failure of an exchange as HttpError.
 *
 * @param prefix      `requestPrefix` of the request, used while no answer has begun
 * @param bodyStarted whether the answer's head had arrived
 */
export function toHttpError(thrown: unknown, prefix: string, bodyStarted: boolean): HttpError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof HttpError) {
    if (bodyStarted || error.message.startsWith(prefix)) return error;
    return new HttpError(error.code, prefix + error.message, { cause: error });
  }
  const { code, text } = explain(error, bodyStarted);
  return new HttpError(code, bodyStarted ? text : prefix + text, { cause: error });
}

/** Whether a reused connection went away before it answered, so that asking again is right. */
export function isStaleConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = fieldsOf(error);
  if (syscall === 'connect') return false;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
