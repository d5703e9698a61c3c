// SPDX-License-Identifier: Apache-2.0
// HTTP as core code sees it: a client for outgoing calls, plain requests and responses for incoming ones.

/** One outgoing request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly url: string;
  /** The object is not changed later: what is made of it is kept for the next request that has it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Largest body accepted, counted after decompression; 0 = no limit. */
  readonly bodyLimitBytes: number;
  /** Connect to this Unix socket instead of the URL's host. */
  readonly socketPath?: string;
}

/** Where the body is put as it arrives, so that large bodies are not joined or copied again. */
export interface BodySink {
  /** Bytes are valid during the call only. */
  write(chunk: Uint8Array): void;
}

/** What a stream of DEFLATE became. */
export interface InflatedBytes {
  /** Valid until the next call. */
  readonly output: Uint8Array;
  /** Length of the stream. */
  readonly inputBytes: number;
}

/** The compressed bytes of one body. The holder releases it. */
export interface HeldBody {
  readonly length: number;
  /** What is held, valid until the next `append` or `release`. */
  readonly bytes: Uint8Array;
  /** False: there is no room, and nothing was taken. */
  append(chunk: Uint8Array): boolean;
  /**
   * Undoes the DEFLATE stream (RFC 1951) that begins at `start`. Undefined: it is damaged, or longer than
   * `sizeBytes` or than there is room for.
   */
  inflate(start: number, sizeBytes: number): InflatedBytes | undefined;
  release(): void;
}

/** Holds compressed bodies and undoes them without garbage. */
export interface BodyInflater {
  hold(): HeldBody;
}

/** The answer, body fully received (into the sink when one was given, else in `body`). */
export interface HttpResponse {
  readonly status: number;
  /** The reason phrase as the server sent it: `Not Found`. */
  readonly statusText?: string;
  /** Lower-case names; the first value where a header was repeated. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The URL that answered, after redirects. */
  readonly url: string;
}

export type HttpErrorCode =
  | 'timeout'
  | 'canceled'
  | 'connection'
  | 'body_too_large'
  | 'redirect'
  | 'tls'
  | 'auth'
  | 'decode';

/** A request that got no complete answer. Non-2xx answers are not errors. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly code: HttpErrorCode;
  constructor(code: HttpErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A client bound to one set of options (authentication, TLS, proxy …). The owner closes it. */
export interface HttpClient {
  /** Decompresses gzip (and deflate) bodies. @throws HttpError */
  request(request: HttpRequest, sink?: BodySink): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** One incoming request, already read. */
export interface ServerRequest {
  readonly method: string;
  /** Path below the route prefix, still percent-encoded, without the query. */
  readonly path: string;
  /** Query and, for form-encoded POSTs, body parameters. */
  readonly params: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
}

/** An answer that is being sent bit by bit. */
export interface ResponseStream {
  /** False when the text was not taken: the client has gone, or reads too slowly. */
  write(text: string): boolean;
  end(): void;
}

/** The answer to an incoming request. */
export interface ServerResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /**
   * In place of a body: called when the head has been sent, to write what comes. What it returns is
   * called once, when the connection is over. Requests for the head alone never call it.
   */
  readonly stream?: (stream: ResponseStream) => () => void;
}
