// SPDX-License-Identifier: Apache-2.0
// Follows the text of a script far enough to know whether a value stands in a string, and takes its
// comments out, as Go does.

/** After these words a slash begins a regular expression. */
const beforeExpression =
  /(?:^|[^\w$])(?:break|case|continue|delete|do|else|finally|in|instanceof|return|throw|try|typeof|void)$/;

type Mode = 'code' | 'string' | 'regexp' | 'lineComment' | 'blockComment';

export class ScriptPlace {
  private mode: Mode = 'code';
  private mark = '';
  private inClass = false;
  /** What was last seen in code, without spaces at its end: decides what a slash is. */
  private before = '';
  /** What a block comment becomes: a line break when there is one in it. */
  private commentBreaks = false;

  /** The quote of the string that the place is in; '' outside of strings. */
  get quote(): string {
    return this.mode === 'string' ? this.mark : '';
  }

  get inRegexp(): boolean {
    return this.mode === 'regexp';
  }

  get inComment(): boolean {
    return this.mode === 'lineComment' || this.mode === 'blockComment';
  }

  /** A value was written here. */
  value(): void {
    if (this.mode === 'code') this.before = 'x';
  }

  /** The text without its comments. */
  follow(text: string): string {
    let kept = '';
    for (let at = 0; at < text.length; ) {
      const end = this.step(text, at);
      if (end.keep) kept += text.slice(at, end.at);
      else kept += end.instead;
      at = end.at;
    }
    return kept;
  }

  private step(text: string, at: number): { at: number; keep: boolean; instead: string } {
    const keep = (end: number) => ({ at: end, keep: true, instead: '' });
    const drop = (end: number, instead = '') => ({ at: end, keep: false, instead });
    const c = text.charAt(at);
    switch (this.mode) {
      case 'lineComment': {
        const end = text.slice(at).search(/[\n\r\u2028\u2029]/);
        if (end < 0) return drop(text.length);
        this.mode = 'code';
        return drop(at + end);
      }
      case 'blockComment': {
        const end = text.indexOf('*/', at);
        const stop = end < 0 ? text.length : end + 2;
        if (/[\n\r\u2028\u2029]/.test(text.slice(at, stop))) this.commentBreaks = true;
        if (end < 0) return drop(stop);
        this.mode = 'code';
        return drop(stop, this.commentBreaks ? '\n' : ' ');
      }
      case 'string':
        if (c === '\\') return keep(Math.min(text.length, at + 2));
        if (c === this.mark) {
          this.mode = 'code';
          this.before = '"';
        }
        return keep(at + 1);
      case 'regexp':
        if (c === '\\') return keep(Math.min(text.length, at + 2));
        if (c === '[') this.inClass = true;
        else if (c === ']') this.inClass = false;
        else if (c === '/' && !this.inClass) {
          this.mode = 'code';
          this.before = '"';
        }
        return keep(at + 1);
      default:
        break;
    }
    if (c === '"' || c === "'" || c === '`') {
      this.mode = 'string';
      this.mark = c;
      return keep(at + 1);
    }
    if (c === '/') return this.slash(text, at, keep, drop);
    if (!/\s/.test(c)) this.before = (this.before + c).slice(-12);
    else if (/[\w$]$/.test(this.before)) this.before += ' ';
    return keep(at + 1);
  }

  private slash<Step>(
    text: string,
    at: number,
    keep: (end: number) => Step,
    drop: (end: number) => Step,
  ): Step {
    const next = text.charAt(at + 1);
    if (next === '/' || next === '*') {
      this.mode = next === '/' ? 'lineComment' : 'blockComment';
      this.commentBreaks = false;
      return drop(at + 2);
    }
    const before = this.before.trimEnd();
    const isDivision =
      /[\w$)\]}"]$/.test(before) && !beforeExpression.test(before) && before !== '';
    if (isDivision) this.before += '/';
    else {
      this.mode = 'regexp';
      this.inClass = false;
    }
    return keep(at + 1);
  }
}
