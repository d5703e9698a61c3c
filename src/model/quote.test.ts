// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { quote } from './quote.ts';

const quotes = (text: string, expected: string): void =>
  test(`quotes ${expected}`, () => expect(quote(text)).toBe(expected));

quotes('plain text', '"plain text"');
quotes('a"b\\c', String.raw`"a\"b\\c"`);
quotes('\n\t\x00\x7f', String.raw`"\n\t\x00\x7f"`);
quotes('héllo 世界 😀', '"héllo 世界 😀"');
quotes('\u00a0\u200b', String.raw`"\u00a0\u200b"`);
