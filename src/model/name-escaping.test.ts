// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { escapeName, unescapeName } from './name-escaping.ts';

const escapes = (name: string, underscores: string, dots: string, values: string) =>
  test(`escapes ${JSON.stringify(name)}`, () => {
    expect(escapeName(name, 'allow-utf-8')).toBe(name);
    expect(escapeName(name, 'underscores')).toBe(underscores);
    expect(escapeName(name, 'dots')).toBe(dots);
    expect(escapeName(name, 'values')).toBe(values);
    expect(unescapeName(values)).toBe(name);
  });

escapes('', '', '', '');
escapes('plain', 'plain', 'plain', 'plain');
escapes(
  'no:escaping_required',
  'no:escaping_required',
  'no:escaping__required',
  'no:escaping_required',
);
escapes('http.status', 'http_status', 'http_dot_status', 'U__http_2e_status');
escapes('1a', '_a', '__a', 'U___31_a');
escapes('a b_c', 'a_b_c', 'a__b__c', 'U__a_20_b__c');
escapes('花火', '__', '____', 'U___82b1__706b_');

test('malformed escapes stand for themselves', () => {
  for (const text of [
    'U__a_',
    'U__a_2e',
    'U__a_zz_',
    'U__a_1234567_',
    'U__a_110000_',
    'U__a_d800_',
  ])
    expect(unescapeName(text)).toBe(text);
});
