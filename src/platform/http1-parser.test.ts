// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Http1Error, Http1Parser } from './http1-parser.ts';

interface Outcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly keepAlive: boolean;
  readonly body: string;
  /** Whether the answer was whole before the connection ended. */
  readonly whole: boolean;
  readonly ended: number;
  readonly used: number;
}

/** Parses `text` in pieces of `pieceBytes`, then the end of the connection. */
function parse(text: string, pieceBytes: number, isHead = false): Outcome {
  const parser = new Http1Parser();
  const bytes = Buffer.from(text, 'latin1');
  let head = { status: 0, headers: {}, keepAlive: false };
  let body = '';
  let ended = 0;
  parser.begin(
    {
      onHead: (found) => {
        head = { status: found.status, headers: found.headers, keepAlive: found.keepAlive };
      },
      onBody: (chunk) => {
        body += Buffer.from(chunk).toString('latin1');
      },
      onEnd: () => ended++,
    },
    isHead,
  );
  let used = 0;
  for (let at = 0; at < bytes.length && ended === 0; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    used += parser.feed(piece, piece.length);
  }
  const whole = ended === 1;
  parser.close();
  return { ...head, body, whole, ended, used };
}

const answers: Record<string, string> = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello',
  empty: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  chunks:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n',
  interim: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'no reason': 'HTTP/1.0 500\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
  'no content': 'HTTP/1.1 204 No Content\r\n\r\n',
};

for (const [name, text] of Object.entries(answers)) {
  test(`${name}: the same however it is cut`, () => {
    const whole = parse(text, text.length);
    expect(whole).toMatchSnapshot();
    for (let piece = 1; piece < text.length; piece++) expect(parse(text, piece)).toEqual(whole);
  });
}

test('what follows an answer is left alone', () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  expect(parse(`${answer}HTTP/1.1`, 1000).used).toBe(answer.length);
});

test('an answer without a length lasts until the connection ends, which is then used up', () => {
  const { body, whole, ended, keepAlive } = parse('HTTP/1.1 200 OK\r\n\r\nabc', 7);
  expect({ body, whole, ended, keepAlive }).toEqual({
    body: 'abc',
    whole: false,
    ended: 1,
    keepAlive: false,
  });
});

test('an answer to HEAD has no body, whatever it announces', () => {
  const outcome = parse('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 100, true);
  expect(outcome.whole).toBe(true);
  expect(outcome.keepAlive).toBe(true);
});

test('every cut answer is told from a whole one', () => {
  for (const name of ['length', 'chunks', 'interim']) {
    const text = answers[name] ?? '';
    for (let length = 1; length < text.length; length++)
      expect(parse(text.slice(0, length), 1000).ended).toBe(0);
  }
});

const refused = (name: string, text: string, code: string): void =>
  test(`refuses ${name}`, () => {
    for (const piece of [1, 7, text.length]) {
      const attempt = (): unknown => parse(text, piece);
      expect(attempt).toThrow(Http1Error);
      expect(attempt).toThrow(expect.objectContaining({ code }));
    }
  });

refused('other protocols', 'SSH-2.0-OpenSSH_9\r\n', 'HPE_INVALID_CONSTANT');
refused('a status of letters', 'HTTP/1.1 abc\r\n\r\n', 'HPE_INVALID_CONSTANT');
refused('a line without a colon', 'HTTP/1.1 200 OK\r\nx\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN');
refused('a space before the colon', 'HTTP/1.1 200 OK\r\nx : y\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN');
refused(
  'two lengths',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'HPE_UNEXPECTED_CONTENT_LENGTH',
);
refused(
  'a negative length',
  'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
  'HPE_INVALID_CONTENT_LENGTH',
);
refused(
  'a chunk size that is none',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'HPE_INVALID_CHUNK_SIZE',
);
refused(
  'a chunk that is longer than it said',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n',
  'HPE_STRICT',
);
refused(
  'a coding that nobody asked for',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'HPE_INVALID_TRANSFER_ENCODING',
);
refused(
  'a head without end',
  `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(4000)}`,
  'HPE_HEADER_OVERFLOW',
);
