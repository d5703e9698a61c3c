// SPDX-License-Identifier: Apache-2.0
// Answers of HTTP/1.x as they come out of a socket (RFC 9112): heads as text, bodies in slices of the
// buffer that was read into, so that a body of any size allocates nothing.

/** The server does not speak HTTP; `code` and `data` are what Node's own parser has. */
export class Http1Error extends Error {
  override name = 'HTTPParserError';
  readonly code: string;
  /** The first bytes that were not understood. */
  readonly data: string | undefined;
  constructor(code: string, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface Http1Head {
  readonly status: number;
  readonly statusText: string;
  /** Lower-case names; the first of several values. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the server lets the connection be used again. */
  readonly keepAlive: boolean;
}

/** What a parser finds, in this order; `onEnd` once. */
export interface Http1Listener {
  onHead(head: Http1Head): void;
  /** `chunk` is valid during the call. */
  onBody(chunk: Uint8Array): void;
  onEnd(): void;
}

/** As Node's parser: heads longer than this are refused. */
const HEAD_BYTES_MAX = 16 * 1024;
/** Lines of chunk sizes with their extensions, and trailers. */
const LINE_BYTES_MAX = 4096;
const CHUNK_SIZE_DIGITS_MAX = 13;

const State = {
  head: 0,
  fixed: 1,
  untilClose: 2,
  chunkSize: 3,
  chunkBody: 4,
  chunkEnd: 5,
  trailer: 6,
  done: 7,
} as const;
type State = (typeof State)[keyof typeof State];

const LF = 10;
const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: ([^\r\n]*))?$/;
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const malformed = (text: string): Http1Error =>
  new Http1Error('HPE_INVALID_CONSTANT', 'Expected HTTP/', text);

/** Status line and fields of a head without its last, empty line. @throws Http1Error */
function parseHead(text: string): Http1Head {
  const lines = text.split('\r\n');
  const match = statusLine.exec(lines[0] ?? '');
  if (match === null) throw malformed(text);
  const headers: Record<string, string> = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon <= 0 || !headerName.test(name))
      throw new Http1Error('HPE_INVALID_HEADER_TOKEN', `malformed MIME header line: ${line}`);
    const key = name.toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[key];
    if (before === undefined) headers[key] = value;
    else if (key === 'content-length' && before !== value)
      throw new Http1Error('HPE_UNEXPECTED_CONTENT_LENGTH', 'two different content lengths');
  }
  const connection = (headers.connection ?? '').toLowerCase();
  const keepAlive = match[1] === '1' ? connection !== 'close' : connection === 'keep-alive';
  return { status: Number(match[2]), statusText: match[3] ?? '', headers, keepAlive };
}

/** Parses one answer after another of a connection. */
export class Http1Parser {
  private state: State = State.done;
  private listener: Http1Listener | undefined;
  private isHeadRequest = false;
  /** A head or line that is not whole yet. */
  private pending = '';
  private left = 0;

  /** Expects an answer now. @param isHeadRequest an answer to HEAD has no body */
  begin(listener: Http1Listener, isHeadRequest: boolean): void {
    this.listener = listener;
    this.isHeadRequest = isHeadRequest;
    this.state = State.head;
    this.pending = '';
  }

  /** Takes what was read. @returns how many of the bytes belong to the answer @throws Http1Error */
  feed(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && this.state !== State.done) at = this.step(bytes, at);
    return at;
  }

  /** The connection has ended. @returns false when the answer is not whole */
  close(): boolean {
    if (this.state === State.untilClose) this.end();
    return this.state === State.done;
  }

  private step(bytes: Buffer, at: number): number {
    switch (this.state) {
      case State.head:
        return this.takeHead(bytes, at);
      case State.fixed:
      case State.chunkBody:
      case State.untilClose:
        return this.takeBody(bytes, at);
      default:
        return this.takeLine(bytes, at);
    }
  }

  private takeHead(bytes: Buffer, at: number): number {
    // A head nearly always comes whole; one that does not is looked at again from its start.
    const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
    const isWhole = this.pending === '' && end >= 0;
    const before = this.pending.length;
    const text = isWhole
      ? bytes.toString('latin1', at, end + 4)
      : this.pending +
        bytes.toString('latin1', at, Math.min(bytes.length, at + HEAD_BYTES_MAX + 4));
    const length = isWhole ? end - at : text.indexOf('\r\n\r\n');
    if (length > HEAD_BYTES_MAX || (length < 0 && text.length > HEAD_BYTES_MAX))
      throw new Http1Error('HPE_HEADER_OVERFLOW', 'header overflow');
    if (length < 0) {
      if (!'HTTP/1.'.startsWith(text.slice(0, 7))) throw malformed(text);
      this.pending = text;
      return bytes.length;
    }
    this.pending = '';
    this.acceptHead(parseHead(text.slice(0, length)));
    return at + length + 4 - before;
  }

  private acceptHead(head: Http1Head): void {
    if (head.status === 101)
      throw new Http1Error('HPE_INVALID_STATUS', 'unexpected switch of protocols');
    // Interim answers; the real one follows.
    if (head.status < 200) return;
    const { headers } = head;
    const coding = headers['transfer-encoding'];
    const length = headers['content-length'];
    if (this.isHeadRequest || head.status === 204 || head.status === 304) this.left = 0;
    else if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked')
        throw new Http1Error('HPE_INVALID_TRANSFER_ENCODING', `unsupported ${coding}`);
      this.left = -1;
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length))
        throw new Http1Error('HPE_INVALID_CONTENT_LENGTH', `bad Content-Length "${length}"`);
      this.left = Number(length);
    } else this.left = -2;
    this.state =
      this.left === -1 ? State.chunkSize : this.left === -2 ? State.untilClose : State.fixed;
    const usable = this.left === -2 ? { ...head, keepAlive: false } : head;
    this.listener?.onHead(usable);
    if (this.left === 0) this.end();
  }

  private takeBody(bytes: Buffer, at: number): number {
    const isBounded = this.state !== State.untilClose;
    const end = isBounded ? Math.min(bytes.length, at + this.left) : bytes.length;
    if (isBounded) this.left -= end - at;
    this.listener?.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (isBounded && this.left === 0) {
      if (this.state === State.chunkBody) this.state = State.chunkEnd;
      else if (this.state === State.fixed) this.end();
    }
    return end;
  }

  /** The lines around chunks. */
  private takeLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(LF, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (this.pending.length + end - at > LINE_BYTES_MAX)
      throw new Http1Error('HPE_INVALID_CHUNK_SIZE', 'Invalid character in chunk size');
    this.pending += bytes.toString('latin1', at, end);
    if (newline < 0) {
      // The line may never end: what cannot become a size is refused now.
      if (this.state === State.chunkSize) this.chunkSize(this.pending, false);
      return end;
    }
    const line = this.pending.replace(/\r?\n$/, '');
    this.pending = '';
    if (this.state === State.chunkSize) {
      this.left = this.chunkSize(line, true);
      this.state = this.left === 0 ? State.trailer : State.chunkBody;
    } else if (this.state === State.chunkEnd) {
      if (line !== '') throw new Http1Error('HPE_STRICT', 'Expected LF after chunk data');
      this.state = State.chunkSize;
    } else if (line === '') this.end();
    return end;
  }

  private chunkSize(line: string, isWhole: boolean): number {
    const match = /^([0-9a-fA-F]*)[ \t]*(\r|;.*)?$/s.exec(line);
    const digits = match?.[1] ?? '';
    if (match === null || digits.length > CHUNK_SIZE_DIGITS_MAX || (isWhole && digits === ''))
      throw new Http1Error('HPE_INVALID_CHUNK_SIZE', 'Invalid character in chunk size');
    return isWhole ? Number(`0x${digits}`) : 0;
  }

  private end(): void {
    const { listener } = this;
    this.state = State.done;
    this.listener = undefined;
    listener?.onEnd();
  }
}
