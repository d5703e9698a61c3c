// SPDX-License-Identifier: Apache-2.0
// Output of HTML templates: follows the literal text through tags, attributes, scripts and styles, and
// escapes each value for the place where it stands; comments are taken out. Go decides the place when
// it parses; following it while writing gives the same text, because a template whose branches end in
// different places is refused there and merely followed here.

import type { Escaper, TemplateOutput } from './execute.ts';
import type { AttributeKind } from './html-escapers.ts';
import {
  attributeKind,
  attributeName,
  htmlNormalised,
  htmlText,
  htmlUnquoted,
  scriptText,
  scriptValue,
  styleValue,
  urlEscaped,
  urlFiltered,
  urlNormalised,
  valueText,
  withoutTags,
} from './html-escapers.ts';
import { ScriptPlace } from './html-script.ts';
import type { Value } from './values.ts';
import { SafeHtml } from './values.ts';

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

/** Types of script elements that hold scripts; what others hold is text. */
const scriptTypes =
  /^\s*(?:module|(?:application|text)\/(?:x-)?(?:java|ecma)script|application\/(?:ld\+)?json|text\/(?:javascript1\.[0-5]|jscript|livescript))\s*(?:;.*)?$/i;

const contentOf: Readonly<Record<string, Place>> = {
  script: 'script',
  style: 'style',
  title: 'rawText',
  textarea: 'rawText',
};

// Go's names.
const states: Readonly<Record<Place, string>> = {
  text: 'stateText',
  tag: 'stateTag',
  attribute: 'stateAttr',
  script: 'stateJS',
  style: 'stateCSS',
  rawText: 'stateRCDATA',
  comment: 'stateHTMLCmt',
};
const delimiters: Readonly<Record<string, string>> = { '"': 'DoubleQuote', "'": 'SingleQuote' };
const attributes = { plain: 'None', url: 'URL', script: 'Script', style: 'Style' } as const;
const elements: Readonly<Record<string, string>> = {
  script: 'Script',
  style: 'Style',
  textarea: 'Textarea',
  title: 'Title',
};

export class HtmlOutput implements TemplateOutput {
  private readonly parts: string[] = [];
  length = 0;
  private place: Place = 'text';
  private element = '';
  private attribute: AttributeKind = 'plain';
  private name = '';
  /** '"', "'" or '' (unquoted); meaningful in an attribute. */
  private delimiter = '';
  /** The literal text that stands before in the attribute. */
  private before = '';
  private script = new ScriptPlace();
  private inStyleComment = false;

  text(): string {
    return this.parts.join('');
  }

  /** Where the page ends, as Go's messages show it; undefined when it ends in text, as it must. */
  unfinished(): string | undefined {
    if (this.place === 'text') return undefined;
    const isAttribute = this.place === 'attribute';
    const delimiter = !isAttribute ? 'None' : (delimiters[this.delimiter] ?? 'SpaceOrTagEnd');
    const element = elements[this.element] ?? 'None';
    const isQuery = isAttribute && this.attribute === 'url' && /[?#]/.test(this.before);
    const part = isQuery ? 'QueryOrFrag' : 'None';
    const kind = isAttribute ? attributes[this.attribute] : 'None';
    return `{${this.state()} delim${delimiter} urlPart${part} jsCtxRegexp [] attr${kind} element${element} <nil>}`;
  }

  private state(): string {
    if (this.place !== 'attribute') return states[this.place];
    return { plain: 'stateAttr', url: 'stateURL', script: 'stateJS', style: 'stateCSS' }[
      this.attribute
    ];
  }

  literal(text: string): void {
    let at = 0;
    while (at < text.length) at = this.follow(text, at);
  }

  value(value: Value, escaper?: Escaper): void {
    const isQuoted = this.attribute === 'plain' && this.delimiter !== '';
    const takesHtml =
      this.place === 'text' || this.place === 'rawText' || (this.place === 'attribute' && isQuoted);
    const isFit = escaper === 'html' && takesHtml;
    this.write(isFit ? valueText(value) : this.escaped(value, escaper));
    if (this.place === 'script' || this.attribute === 'script') this.script.value();
  }

  private write(text: string): void {
    if (text === '') return;
    this.parts.push(text);
    this.length += text.length;
  }

  private escaped(value: Value, escaper: Escaper | undefined): string {
    switch (this.place) {
      case 'comment':
        return '';
      case 'tag':
        return attributeName(valueText(value));
      case 'script':
        return this.inScript(value);
      case 'style':
        return this.inStyleComment ? '' : styleValue(value);
      case 'attribute':
        return this.inAttribute(value, escaper);
      case 'rawText':
        return value instanceof SafeHtml ? htmlNormalised(value.text) : htmlText(valueText(value));
      default:
        return value instanceof SafeHtml ? value.text : htmlText(valueText(value));
    }
  }

  private inScript(value: Value): string {
    const { script } = this;
    if (script.inComment) return '';
    if (script.inRegexp) return scriptText(valueText(value), '"');
    return script.quote === '' ? scriptValue(value) : scriptText(valueText(value), script.quote);
  }

  private inAttribute(value: Value, escaper: Escaper | undefined): string {
    const isBare = this.delimiter === '';
    switch (this.attribute) {
      case 'script':
        return (isBare ? htmlUnquoted : htmlText)(this.inScript(value));
      case 'style':
        return (isBare ? htmlUnquoted : htmlText)(styleValue(value));
      case 'url': {
        const text = valueText(value);
        // What `urlquery` made is fit for a query already, in its own way: with + for blanks.
        const url = /[?#]/.test(this.before)
          ? escaper === 'urlquery'
            ? text
            : urlEscaped(text)
          : urlNormalised(this.before.trim() === '' ? urlFiltered(text) : text);
        return (isBare ? htmlUnquoted : htmlText)(url);
      }
      default:
        if (isBare) {
          return htmlUnquoted(
            value instanceof SafeHtml ? withoutTags(value.text) : valueText(value),
          );
        }
        return value instanceof SafeHtml
          ? htmlNormalised(withoutTags(value.text))
          : htmlText(valueText(value));
    }
  }

  private openAttribute(name: string, delimiter: string): void {
    this.place = 'attribute';
    this.name = name.toLowerCase();
    this.attribute = attributeKind(name);
    this.delimiter = delimiter;
    this.before = '';
    this.script = new ScriptPlace();
  }

  /** Follows literal text from `at`, and writes it; where the next piece starts. */
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
    if (open < 0) {
      this.write(text.slice(at));
      return text.length;
    }
    this.write(text.slice(at, open));
    if (text.startsWith('<!--', open)) {
      this.place = 'comment';
      return open + 4;
    }
    const start = text.slice(open, open + 64);
    const name = /^<\/?([a-zA-Z][\w:-]*)/.exec(start);
    if (name === null) {
      this.write(/^<!doctype/i.test(start) ? '<' : '&lt;');
      return open + 1;
    }
    this.element = name[0].startsWith('</') ? '' : (name[1] ?? '').toLowerCase();
    this.place = 'tag';
    this.attribute = 'plain';
    this.write(name[0]);
    return open + name[0].length;
  }

  private followTag(text: string, at: number): number {
    const rest = text.slice(at);
    const close = /^\s*\/?>/.exec(rest);
    if (close !== null) {
      this.write(close[0]);
      this.leaveTag();
      return at + close[0].length;
    }
    const attribute = /^\s*([^\s=>/"']+)(\s*=\s*(["']?))?/.exec(rest);
    const [whole = rest.charAt(0), name = '', equals, mark = ''] = attribute ?? [];
    this.write(whole);
    if (equals !== undefined) this.openAttribute(name, mark);
    return at + whole.length;
  }

  private leaveTag(): void {
    this.before = '';
    this.attribute = 'plain';
    this.script = new ScriptPlace();
    this.inStyleComment = false;
    this.place = contentOf[this.element] ?? 'text';
  }

  private followAttribute(text: string, at: number): number {
    const { delimiter } = this;
    const found =
      delimiter === '' ? text.slice(at).search(/[\s>]/) : text.indexOf(delimiter, at) - at;
    const end = found < 0 ? text.length : at + found;
    const body = text.slice(at, end);
    this.before += body;
    if (this.attribute === 'script') this.script.follow(body);
    this.write(body);
    if (found < 0) return end;
    if (this.element === 'script' && this.name === 'type' && !scriptTypes.test(this.before)) {
      this.element = '';
    }
    this.place = 'tag';
    this.attribute = 'plain';
    this.write(delimiter);
    return end + delimiter.length;
  }

  /** Inside script, style, title, textarea: only the end tag counts, and comments and quotes. */
  private followRaw(text: string, at: number): number {
    const rest = text.slice(at);
    const found = rest.search(new RegExp(`</${this.element}(?=[\\s/>]|$)`, 'i'));
    const body = found < 0 ? rest : rest.slice(0, found);
    if (this.place === 'script') this.write(this.script.follow(body));
    else if (this.place === 'style') this.write(this.withoutStyleComments(body));
    else this.write(body.replaceAll('<', '&lt;'));
    if (found < 0) return text.length;
    const end = found + 2 + this.element.length;
    this.write(rest.slice(found, end));
    this.element = '';
    this.place = 'tag';
    this.attribute = 'plain';
    return at + end;
  }

  private withoutStyleComments(text: string): string {
    let kept = '';
    let at = 0;
    while (at < text.length) {
      if (this.inStyleComment) {
        const end = text.indexOf('*/', at);
        if (end < 0) return kept;
        this.inStyleComment = false;
        kept += ' ';
        at = end + 2;
        continue;
      }
      const open = text.indexOf('/*', at);
      if (open < 0) return kept + text.slice(at);
      kept += text.slice(at, open);
      this.inStyleComment = true;
      at = open + 2;
    }
    return kept;
  }
}
