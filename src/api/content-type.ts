// SPDX-License-Identifier: Apache-2.0
// The content type of a body that nothing is known of, as Go finds it for answers without one.

/** Beginnings of HTML, before a space or `>`. */
const htmlTags =
  /^(?:<!DOCTYPE HTML|<HTML|<HEAD|<SCRIPT|<IFRAME|<H1|<DIV|<FONT|<TABLE|<A|<STYLE|<TITLE|<B|<BODY|<BR|<P|<!--)[ >]/i;
/** Looked at. */
const SNIFFED_BYTES = 512;

/** Of a text: HTML, XML or plain. */
export function sniffedContentType(body: Uint8Array): string {
  const start = new TextDecoder()
    .decode(body.subarray(0, SNIFFED_BYTES))
    .replace(/^[\t\n\f\r ]+/, '');
  if (htmlTags.test(start)) return 'text/html; charset=utf-8';
  if (start.startsWith('<?xml')) return 'text/xml; charset=utf-8';
  return 'text/plain; charset=utf-8';
}
