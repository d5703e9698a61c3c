// SPDX-License-Identifier: Apache-2.0
// How an outgoing HTTP client behaves: the block of keys that scrape jobs, discovery, remote storage
// and alert senders share. Paths are absolute or relative to the working directory; files are read
// again when they change. Two deeply equal option objects make clients that behave the same.

/** A secret given in place or in a file; at most one of both. */
export interface SecretSource {
  readonly value?: string;
  readonly file?: string;
}

export interface BasicAuthOptions {
  readonly username?: SecretSource;
  readonly password?: SecretSource;
}

export interface AuthorizationOptions {
  /** The scheme in front of the credentials: `Bearer` unless set. */
  readonly type: string;
  readonly credentials: SecretSource;
}

export type TlsVersion = 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';

export interface TlsOptions {
  readonly ca?: SecretSource;
  readonly cert?: SecretSource;
  readonly key?: SecretSource;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

export interface ProxyOptions {
  readonly proxyUrl?: string;
  /** Comma-separated hosts, domains, addresses and networks that are reached directly. */
  readonly noProxy?: string;
  /** Take HTTP_PROXY, HTTPS_PROXY and NO_PROXY from the environment instead. */
  readonly proxyFromEnvironment?: boolean;
  /** Sent with CONNECT. */
  readonly proxyConnectHeader?: Readonly<Record<string, readonly string[]>>;
}

export interface OAuth2Options extends ProxyOptions {
  readonly grantType: 'client_credentials' | 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  readonly clientId: string;
  readonly clientSecret?: SecretSource;
  readonly tokenUrl: string;
  readonly scopes: readonly string[];
  /** Sent to the token endpoint beside the standard ones. */
  readonly endpointParams: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  /** For jwt-bearer: the PEM key that signs the assertion, and what goes into it. */
  readonly clientCertificateKey?: SecretSource;
  readonly clientCertificateKeyId?: string;
  readonly signatureAlgorithm?: 'RS256' | 'RS384' | 'RS512';
  readonly issuer?: string;
  readonly audience?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** All values of one header: those in place, the secret ones and the contents of the files. */
export interface HttpHeaderOptions {
  readonly values: readonly string[];
  readonly secrets: readonly string[];
  readonly files: readonly string[];
}

/** At most one of `basicAuth`, `authorization` and `oauth2` is set. */
export interface HttpClientOptions extends ProxyOptions {
  readonly basicAuth?: BasicAuthOptions;
  readonly authorization?: AuthorizationOptions;
  readonly oauth2?: OAuth2Options;
  readonly tls?: TlsOptions;
  readonly httpHeaders?: Readonly<Record<string, HttpHeaderOptions>>;
  readonly followRedirects: boolean;
  readonly enableHttp2: boolean;
}

export const defaultHttpClientOptions: HttpClientOptions = {
  followRedirects: true,
  enableHttp2: true,
};
