// SPDX-License-Identifier: Apache-2.0
// Tokens of the text format (0.0.4, 1.0.0) and of OpenMetrics. One state machine for both: they differ
// in how they treat blanks. On a bad byte `position` stands where no token could go on, which is what
// upstream's messages show.

export const Token = {
  invalid: 'INVALID',
  eof: 'EOF',
  lineBreak: 'LINEBREAK',
  whitespace: 'WHITESPACE',
  help: 'HELP',
  type: 'TYPE',
  unit: 'UNIT',
  eofWord: 'EOFWORD',
  text: 'TEXT',
  comment: 'COMMENT',
  metricName: 'MNAME',
  quoted: 'QSTRING',
  braceOpen: 'BOPEN',
  braceClose: 'BCLOSE',
  labelName: 'LNAME',
  labelValue: 'LVALUE',
  comma: 'COMMA',
  equal: 'EQUAL',
  timestamp: 'TIMESTAMP',
  value: 'VALUE',
} as const;
export type Token = (typeof Token)[keyof typeof Token];

type State =
  | 'init'
  | 'comment'
  | 'metaName'
  | 'metaText'
  | 'labels'
  | 'labelValue'
  | 'value'
  | 'timestamp'
  | 'exemplar'
  | 'exemplarValue'
  | 'exemplarTimestamp';

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const EQUAL = 0x3d;
const BACKSLASH = 0x5c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isLetter = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a);
const isLabelStart = (c: number): boolean => isLetter(c) || c === 0x5f;
const isMetricStart = (c: number): boolean => isLabelStart(c) || c === 0x3a;
const isBlank = (c: number): boolean => c === SPACE || c === TAB;

/** Reads tokens from `bytes`; `openMetrics` chooses the dialect. */
export class Lexer {
  bytes: Uint8Array;
  /** First byte of the current token. */
  start = 0;
  /** First byte after it; for INVALID the byte that did not fit. */
  position = 0;
  /** Bytes of input, one more than there are in the text format: it ends with a line break. */
  limit = 0;
  private readonly openMetrics: boolean;
  private realEnd = 0;
  private state: State = 'init';

  constructor(openMetrics: boolean) {
    this.openMetrics = openMetrics;
    this.bytes = new Uint8Array(0);
  }

  /** Starts over at `position`, which is the start of a line; the input ends before `end`. */
  reset(bytes: Uint8Array, position: number, end: number): void {
    this.bytes = bytes;
    this.position = position;
    this.start = position;
    this.realEnd = end;
    this.limit = this.openMetrics ? end : end + 1;
    this.state = 'init';
  }

  /** Byte `i`; 0 after the end. The text format has a line break added to its end. */
  byteAt(i: number): number {
    if (i < this.realEnd) return this.bytes[i]!;
    return i === this.realEnd && !this.openMetrics ? NEWLINE : 0;
  }

  /** The next token that is not whitespace. */
  next(): Token {
    for (;;) {
      const token = this.lex();
      if (token !== Token.whitespace) return token;
    }
  }

  /** Steps over one byte, and over NULs where they may stand inside a token. */
  private step(): number {
    this.position++;
    const skipsNul =
      this.state === 'labelValue' || this.state === 'metaText' || this.state === 'comment';
    while (skipsNul && this.position < this.limit && this.byteAt(this.position) === 0)
      this.position++;
    return this.byteAt(this.position);
  }

  private take(token: Token, state: State): Token {
    this.step();
    this.state = state;
    return token;
  }

  private lex(): Token {
    if (this.position >= this.limit) return Token.eof;
    this.start = this.position;
    const c = this.byteAt(this.position);
    if (!this.openMetrics && isBlank(c) && this.state !== 'metaText') return this.blanks();
    switch (this.state) {
      case 'init':
        return this.lexInit(c);
      case 'comment':
        return this.openMetrics ? this.lexOpenMetricsComment() : this.lexTextComment();
      case 'metaName':
        if (c === QUOTE) return this.quoted(Token.metricName, 'metaText', false);
        return this.name(c, true, Token.metricName, 'metaText');
      case 'metaText':
        return this.lexMetaText(c);
      case 'labels':
      case 'exemplar':
        return this.lexLabels(c);
      case 'labelValue':
        return this.quoted(Token.labelValue, 'labels', this.openMetrics);
      case 'value':
        return this.lexValue(c);
      case 'timestamp':
        return this.openMetrics ? this.lexOpenMetricsTimestamp(c) : this.lexTextTimestamp(c);
      case 'exemplarValue':
        if (c === QUOTE) return this.quoted(Token.labelValue, 'exemplar', true);
        return this.word(c, Token.value, 'exemplarTimestamp');
      case 'exemplarTimestamp':
        if (c === NEWLINE) return this.take(Token.lineBreak, 'init');
        return this.word(c, Token.timestamp, 'exemplarTimestamp');
    }
  }

  private blanks(): Token {
    while (isBlank(this.step()));
    return Token.whitespace;
  }

  private lexInit(c: number): Token {
    if (isMetricStart(c)) return this.name(c, true, Token.metricName, 'value');
    if (c === BRACE_OPEN) return this.take(Token.braceOpen, 'labels');
    if (this.openMetrics) {
      if (c !== HASH || this.step() !== SPACE) return Token.invalid;
      this.step();
      this.state = 'comment';
      return this.lexOpenMetricsComment();
    }
    if (c === NEWLINE) return this.take(Token.lineBreak, 'init');
    if (c === 0) return Token.eof;
    if (c !== HASH) return Token.invalid;
    if (!isBlank(this.step())) return this.restOfComment();
    while (isBlank(this.step()));
    this.state = 'comment';
    return this.lexTextComment();
  }

  /** Consumes `word` byte by byte; false at the first that differs. */
  private literal(word: string): boolean {
    for (let i = 0; i < word.length; i++) {
      if (this.byteAt(this.position) !== word.charCodeAt(i)) return false;
      this.step();
    }
    return true;
  }

  private lexTextComment(): Token {
    const first = this.byteAt(this.position);
    const word = first === 0x48 ? 'HELP' : first === 0x54 ? 'TYPE' : undefined;
    if (word === undefined || !this.literal(word) || !isBlank(this.byteAt(this.position)))
      return this.restOfComment();
    while (isBlank(this.step()));
    this.state = 'metaName';
    return word === 'HELP' ? Token.help : Token.type;
  }

  private restOfComment(): Token {
    for (let c = this.byteAt(this.position); ; c = this.step()) {
      if (c === 0) return Token.eof;
      if (c !== NEWLINE) continue;
      this.state = 'init';
      return Token.comment;
    }
  }

  private lexOpenMetricsComment(): Token {
    const first = this.byteAt(this.position);
    if (first === 0x45) {
      if (!this.literal('EOF')) return Token.invalid;
      this.state = 'init';
      if (this.byteAt(this.position) === NEWLINE) this.step();
      return Token.eofWord;
    }
    const words: Readonly<Record<number, Token>> = {
      72: Token.help,
      84: Token.type,
      85: Token.unit,
    };
    const token = words[first];
    if (token === undefined || !this.literal(`${token} `)) return Token.invalid;
    this.state = 'metaName';
    return token;
  }

  /** In the text format a blank rest of the line counts as whitespace, and the text is empty. */
  private lexMetaText(c: number): Token {
    if (this.openMetrics) {
      if (c !== SPACE) return Token.invalid;
      for (let d = this.step(); d !== NEWLINE; d = this.step()) {
        if (this.position >= this.limit) return Token.invalid;
      }
      return this.take(Token.text, 'init');
    }
    let onlyBlanks = true;
    for (let d = c; d !== NEWLINE && this.position < this.limit; d = this.step()) {
      if (!isBlank(d)) onlyBlanks = false;
    }
    if (onlyBlanks && this.position > this.start) return Token.whitespace;
    this.state = 'init';
    return Token.text;
  }

  private lexLabels(c: number): Token {
    const inExemplar = this.state === 'exemplar';
    if (c === QUOTE) return this.quoted(Token.quoted, this.state, inExemplar);
    if (c === BRACE_CLOSE)
      return this.take(Token.braceClose, inExemplar ? 'exemplarValue' : 'value');
    if (c === EQUAL) return this.take(Token.equal, inExemplar ? 'exemplarValue' : 'labelValue');
    if (c === COMMA) return this.take(Token.comma, this.state);
    return this.name(c, false, Token.labelName, this.state);
  }

  private lexValue(c: number): Token {
    if (c === BRACE_OPEN) return this.take(Token.braceOpen, 'labels');
    if (this.openMetrics) return this.word(c, Token.value, 'timestamp');
    if (c === NEWLINE || c === 0) return Token.invalid;
    let d = c;
    while (d !== BRACE_OPEN && !isBlank(d) && d !== NEWLINE && d !== 0) d = this.step();
    this.state = 'timestamp';
    return Token.value;
  }

  private lexTextTimestamp(c: number): Token {
    if (c === NEWLINE) return this.take(Token.lineBreak, 'init');
    if (!isDigit(c)) return Token.invalid;
    while (isDigit(this.step()));
    return Token.timestamp;
  }

  private lexOpenMetricsTimestamp(c: number): Token {
    if (c === NEWLINE) return this.take(Token.lineBreak, 'init');
    const at = this.position;
    const opensExemplar =
      c === SPACE && this.byteAt(at + 1) === HASH && this.byteAt(at + 2) === SPACE;
    if (!opensExemplar) return this.word(c, Token.timestamp, 'timestamp');
    this.position = at + 3;
    if (this.byteAt(this.position) !== BRACE_OPEN) return Token.invalid;
    return this.take(Token.comment, 'exemplar');
  }

  /** OpenMetrics: exactly one space, then everything up to the next space or line break. */
  private word(c: number, token: Token, state: State): Token {
    if (c !== SPACE) return Token.invalid;
    let length = 0;
    for (let d = this.step(); d !== SPACE && d !== NEWLINE && d !== 0; d = this.step()) length++;
    if (length === 0) return Token.invalid;
    this.state = state;
    return token;
  }

  private name(c: number, colons: boolean, token: Token, state: State): Token {
    const fits = colons ? isMetricStart : isLabelStart;
    if (!fits(c)) return Token.invalid;
    for (let d = this.step(); fits(d) || isDigit(d); d = this.step());
    this.state = state;
    return token;
  }

  /** A string in double quotes; a backslash takes the next byte with it, unless that ends the line. */
  private quoted(token: Token, state: State, oneLine: boolean): Token {
    if (this.byteAt(this.position) !== QUOTE) return Token.invalid;
    for (let c = this.step(); c !== QUOTE; c = this.step()) {
      if (c === BACKSLASH) c = this.step() === NEWLINE ? 0 : this.byteAt(this.position);
      if (c === 0 || (oneLine && c === NEWLINE)) return Token.invalid;
    }
    return this.take(token, state);
  }
}
