// SPDX-License-Identifier: Apache-2.0
// Output of HTML templates: follows the literal text through tags, attributes, scripts and styles, and
// escapes each value for the place where it stands. Go decides the place when it parses; following it
// while writing gives the same text, because a template whose branches end in different places is
// refused there and merely followed here.

import { escapeHtml, escapeJs } from './builtins.ts';
import type { TemplateOutput } from './execute.ts';
import { print, printValue } from './format.ts';
import type { Value } from './values.ts';
import { GoMap, Int, isList, SafeHtml } from './values.ts';

type Place =
  | 'text'
  /** Inside `<…`, between attributes. */
  | 'tag'
  | 'attribute'
  | 'script'
  | 'style'
  /** Inside title or textarea: text without tags. */
  | 'rawText'
  | 'comment';

type AttributeKind = 'plain' | 'url' | 'script' | 'style';

const urlAttributes =
  /^(?:action|archive|background|cite|classid|codebase|data|formaction|href|icon|longdesc|manifest|poster|profile|src|usemap|.*(?:url|uri|src).*)$/i;

const attributeKind = (name: string): AttributeKind =>
  /^on/i.test(name)
    ? 'script'
    : name.toLowerCase() === 'style'
      ? 'style'
      : urlAttributes.test(name)
        ? 'url'
        : 'plain';

/** A value inside a URL: what is not a URL character is percent-encoded, what is encoded stays. */
const normaliseUrl = (text: string): string =>
  encodeURI(text.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replaceAll('%25', '%')
    .replace(/%(?![0-9a-fA-F]{2})/g, '%25')
    .replace(/['()*!]/g, (c) => (c === '!' || c === '*' ? c : `%${c.charCodeAt(0).toString(16)}`));

const encodeUrlPart = (text: string): string =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );

/** A URL with a scheme that could run code is replaced whole, as in Go. */
const filterUrl = (text: string): string => {
  const colon = text.indexOf(':');
  if (colon >= 0 && !text.slice(0, colon).includes('/')) {
    const scheme = text.slice(0, colon).toLowerCase();
    if (scheme !== 'http' && scheme !== 'https' && scheme !== 'mailto') return '#ZgotmplZ';
  }
  return text;
};

/** A value as a JavaScript expression. */
function scriptValue(value: Value): string {
  if (value === undefined) return ' null ';
  if (typeof value === 'number') return ` ${printValue(value)} `;
  if (typeof value === 'boolean') return ` ${value} `;
  if (value instanceof Int) return ` ${value.value} `;
  if (isList(value)) return `[${value.map((entry) => scriptValue(entry).trim()).join(',')}]`;
  if (value instanceof GoMap) {
    const entries = value
      .keys()
      .map((key) => `"${escapeJs(key)}":${scriptValue(value.get(key)).trim()}`);
    return `{${entries.join(',')}}`;
  }
  return `"${escapeJs(printValue(value))}"`;
}

/** Text in CSS: only what cannot leave a value. */
const styleValue = (text: string): string => (/^[\w\-+.#%, ]*$/.test(text) ? text : 'ZgotmplZ');

export class HtmlOutput implements TemplateOutput {
  private readonly parts: string[] = [];
  length = 0;
  private place: Place = 'text';
  private element = '';
  private attribute: AttributeKind = 'plain';
  /** '"', "'" or '' (unquoted); meaningful in an attribute. */
  private delimiter = '';
  /** What stands before in the attribute or script. */
  private before = '';
  /** Where the literal text being followed has a `<` that begins no tag. */
  private readonly stray: number[] = [];
  /** The quote of the string literal that a script is in; '' outside. */
  private scriptQuote = '';

  text(): string {
    return this.parts.join('');
  }

  literal(text: string): void {
    this.stray.length = 0;
    let at = 0;
    while (at < text.length) at = this.follow(text, at);
    let written = 0;
    for (const place of this.stray) {
      this.write(`${text.slice(written, place)}&lt;`);
      written = place + 1;
    }
    this.write(text.slice(written));
  }

  value(value: Value): void {
    if (this.place === 'tag') this.openAttribute(this.pendingName);
    const escaped = this.escaped(value);
    this.write(escaped);
    this.before += escaped;
  }

  private write(text: string): void {
    this.parts.push(text);
    this.length += text.length;
  }

  private escaped(value: Value): string {
    const text = value === undefined ? '' : print([value]);
    switch (this.place) {
      case 'comment':
        return '';
      case 'script':
        return this.scriptQuote === '' ? scriptValue(value) : escapeJs(text);
      case 'style':
        return styleValue(text);
      case 'attribute':
        return this.inAttribute(value, text);
      case 'rawText':
        return escapeHtml(text);
      default:
        return value instanceof SafeHtml ? value.text : escapeHtml(text);
    }
  }

  private inAttribute(value: Value, text: string): string {
    let plain = value instanceof SafeHtml ? value.text.replace(/<[^>]*>/g, '') : text;
    if (this.attribute === 'script') plain = scriptValue(value);
    else if (this.attribute === 'style') plain = styleValue(plain);
    else if (this.attribute === 'url') {
      if (/[?#]/.test(this.before)) plain = encodeUrlPart(plain);
      else plain = normaliseUrl(this.before.trim() === '' ? filterUrl(plain) : plain);
    }
    const escaped = escapeHtml(plain).replaceAll('+', '&#43;');
    if (this.delimiter !== '') return escaped;
    return escaped.replace(/[\t\n\v\f\r =`]/g, (c) => `&#${c.charCodeAt(0)};`);
  }

  private pendingName = '';

  private openAttribute(name: string): void {
    this.place = 'attribute';
    this.attribute = attributeKind(name);
    this.delimiter = '';
    this.before = '';
  }

  /** Follows literal text from `at`; where the next piece starts. */
  private follow(text: string, at: number): number {
    switch (this.place) {
      case 'text':
        return this.followText(text, at);
      case 'tag':
        return this.followTag(text, at);
      case 'attribute':
        return this.followAttribute(text, at);
      case 'comment': {
        const end = text.indexOf('-->', at);
        if (end < 0) return text.length;
        this.place = 'text';
        return end + 3;
      }
      default:
        return this.followRaw(text, at);
    }
  }

  private followText(text: string, at: number): number {
    const open = text.indexOf('<', at);
    if (open < 0) return text.length;
    if (text.startsWith('<!--', open)) {
      this.place = 'comment';
      return open + 4;
    }
    const name = /^<\/?([a-zA-Z][\w:-]*)/.exec(text.slice(open, open + 64));
    if (name === null) {
      if (!/^<!doctype/i.test(text.slice(open, open + 9))) this.stray.push(open);
      return open + 1;
    }
    this.element = name[0].startsWith('</') ? '' : (name[1] ?? '').toLowerCase();
    this.place = 'tag';
    this.pendingName = '';
    return open + name[0].length;
  }

  private followTag(text: string, at: number): number {
    const rest = text.slice(at);
    const close = /^\s*\/?>/.exec(rest);
    if (close !== null) {
      this.leaveTag();
      return at + close[0].length;
    }
    const attribute = /^\s*([^\s=>/"']+)(\s*=\s*(["']?))?/.exec(rest);
    if (attribute === null) return at + 1;
    const [whole, name = '', equals, mark = ''] = attribute;
    this.pendingName = name;
    if (equals !== undefined) {
      this.openAttribute(name);
      this.delimiter = mark;
    }
    return at + whole.length;
  }

  private leaveTag(): void {
    const { element } = this;
    this.before = '';
    this.scriptQuote = '';
    this.place =
      element === 'script'
        ? 'script'
        : element === 'style'
          ? 'style'
          : element === 'title' || element === 'textarea'
            ? 'rawText'
            : 'text';
  }

  private followAttribute(text: string, at: number): number {
    const end =
      this.delimiter === ''
        ? text.slice(at).search(/[\s>]/)
        : text.indexOf(this.delimiter, at) - at;
    if (end < 0) {
      this.before += text.slice(at);
      return text.length;
    }
    this.place = 'tag';
    this.pendingName = '';
    return at + end + (this.delimiter === '' ? 0 : 1);
  }

  /** Inside script, style, title, textarea: only the end tag counts, and quotes in scripts. */
  private followRaw(text: string, at: number): number {
    const end = text.toLowerCase().indexOf(`</${this.element}`, at);
    const body = end < 0 ? text.slice(at) : text.slice(at, end);
    if (this.place === 'script') {
      for (let i = 0; i < body.length; i++) {
        const c = body.charAt(i);
        if (this.scriptQuote !== '' && c === '\\') i++;
        else if (c === this.scriptQuote) this.scriptQuote = '';
        else if (this.scriptQuote === '' && (c === '"' || c === "'" || c === '`'))
          this.scriptQuote = c;
      }
    }
    if (end < 0) return text.length;
    this.element = '';
    this.place = 'tag';
    this.pendingName = '';
    return text.indexOf('>', end) < 0 ? text.length : text.indexOf('>', end);
  }
}
