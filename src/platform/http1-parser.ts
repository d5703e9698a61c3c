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
const CR = 13;
const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: ([^\r\n]*))?$/;
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const malformed = (text: string): Http1Error =>
  new Http1Error('HPE_INVALID_CONSTANT', 'Expected HTTP/', text);

interface Status {
  readonly line: string;
  readonly isNew: boolean;
  readonly code: number;
  readonly text: string;
}

/** The status of nearly all answers of a process. */
let lastStatus: Status | undefined;

/** `head` is what `line` begins, for the error. @throws Http1Error */
function statusOf(line: string, head: string): Status {
  if (line === lastStatus?.line) return lastStatus;
  const match = statusLine.exec(line);
  if (match === null) throw malformed(head);
  lastStatus = { line, isNew: match[1] === '1', code: Number(match[2]), text: match[3] ?? '' };
  return lastStatus;
}

const KNOWN_NAMES_MAX = 1000;
/** Names of fields as they were sent, in lower case. */
const knownNames = new Map<string, string>();

/** Name of the field that stands in `line`, in lower case. @throws Http1Error */
function fieldName(name: string, line: () => string): string {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (!headerName.test(name))
    throw new Http1Error('HPE_INVALID_HEADER_TOKEN', `malformed MIME header line: ${line()}`);
  const key = name.toLowerCase();
  if (knownNames.size >= KNOWN_NAMES_MAX) knownNames.clear();
  knownNames.set(name, key);
  return key;
}

/** Status line and fields of a head without its last, empty line. @throws Http1Error */
function parseHead(text: string): Http1Head {
  const length = text.length;
  const lineEnd = (from: number): number => {
    const at = text.indexOf('\r\n', from);
    return at < 0 ? length : at;
  };
  let end = lineEnd(0);
  const status = statusOf(text.slice(0, end), text);
  const headers: Record<string, string> = {};
  for (let start = end + 2; start < length + 2; start = end + 2) {
    end = lineEnd(start);
    const colon = text.indexOf(':', start);
    const nameEnd = colon < 0 || colon > end ? start : colon;
    const key = fieldName(text.slice(start, nameEnd), () => text.slice(start, end));
    const value = text.slice(nameEnd + 1, end).trim();
    const before = headers[key];
    if (before === undefined) headers[key] = value;
    else if (key === 'content-length' && before !== value)
      throw new Http1Error('HPE_UNEXPECTED_CONTENT_LENGTH', 'two different content lengths');
  }
  const connection = (headers.connection ?? '').toLowerCase();
  const keepAlive = status.isNew ? connection !== 'close' : connection === 'keep-alive';
  return { status: status.code, statusText: status.text, headers, keepAlive };
}

/** Where the first empty line begins (at the line break before it) in bytes[from, length); -1: nowhere. */
function headEnd(bytes: Uint8Array, from: number, length: number): number {
  for (let i = from + 3; i < length; i++) {
    const byte = bytes[i];
    if (byte !== LF) continue;
    if (bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) return i - 3;
  }
  return -1;
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

  /** Takes the first `length` bytes. @returns how many of them belong to the answer @throws Http1Error */
  feed(bytes: Buffer, length: number): number {
    let at = 0;
    while (at < length && this.state !== State.done) at = this.step(bytes, at, length);
    return at;
  }

  /** The connection has ended. @returns false when the answer is not whole */
  close(): boolean {
    if (this.state === State.untilClose) this.end();
    return this.state === State.done;
  }

  private step(bytes: Buffer, at: number, length: number): number {
    switch (this.state) {
      case State.head:
        return this.takeHead(bytes, at, length);
      case State.fixed:
      case State.chunkBody:
      case State.untilClose:
        return this.takeBody(bytes, at, length);
      default:
        return this.takeLine(bytes, at, length);
    }
  }

  private takeHead(bytes: Buffer, at: number, available: number): number {
    // A head nearly always comes whole; one that does not is looked at again from its start.
    const searched = Math.min(available, at + HEAD_BYTES_MAX + 4);
    const end = this.pending === '' ? headEnd(bytes, at, searched) : -1;
    const isWhole = end >= 0;
    const before = this.pending.length;
    const text = isWhole
      ? bytes.toString('latin1', at, end + 4)
      : this.pending + bytes.toString('latin1', at, Math.min(available, at + HEAD_BYTES_MAX + 4));
    const length = isWhole ? end - at : text.indexOf('\r\n\r\n');
    if (length > HEAD_BYTES_MAX || (length < 0 && text.length > HEAD_BYTES_MAX))
      throw new Http1Error('HPE_HEADER_OVERFLOW', 'header overflow');
    if (length < 0) {
      if (!'HTTP/1.'.startsWith(text.slice(0, 7))) throw malformed(text);
      this.pending = text;
      return available;
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

  private takeBody(bytes: Buffer, at: number, length: number): number {
    const isBounded = this.state !== State.untilClose;
    const end = isBounded ? Math.min(length, at + this.left) : length;
    if (isBounded) this.left -= end - at;
    this.listener?.onBody(bytes.subarray(at, end));
    if (isBounded && this.left === 0) {
      if (this.state === State.chunkBody) this.state = State.chunkEnd;
      else if (this.state === State.fixed) this.end();
    }
    return end;
  }

  /** The lines around chunks. */
  private takeLine(bytes: Buffer, at: number, length: number): number {
    const found = bytes.subarray(at, length).indexOf(LF);
    const newline = found < 0 ? -1 : at + found;
    const end = newline < 0 ? length : newline + 1;
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
