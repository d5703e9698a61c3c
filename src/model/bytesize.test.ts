// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { formatByteSize, parseByteSize } from './bytesize.ts';

const ok = (text: string, bytes: number): void =>
  test(`parses ${text}`, () => expect(parseByteSize(text)).toBe(bytes));
const bad = (text: string, message: string): void =>
  test(`rejects ${JSON.stringify(text)}`, () =>
    expect(() => parseByteSize(text)).toThrow(expect.objectContaining({ message })));
const prints = (bytes: number, text: string): void =>
  test(`prints ${bytes} as ${text}`, () => expect(formatByteSize(bytes)).toBe(text));

ok('0', 0);
ok('512B', 512);
ok('15MB', 15 * 1024 ** 2);
ok('15MiB', 15 * 1024 ** 2);
ok('1.5GB', 1.5 * 1024 ** 3);
ok('1GB512MB', 1.5 * 1024 ** 3);
ok('2EB', 2 * 1024 ** 6);
bad('', 'units: invalid ');
bad('100', 'units: missing unit in 100');
bad('100KX', 'units: unknown unit KX in 100KX');
bad('MB', 'units: invalid MB');
bad('100EB', 'units: overflow parsing unit 100EB');
prints(0, '0B');
prints(15 * 1024 ** 2, '15MiB');
prints(1.5 * 1024 ** 3, '1GiB512MiB');
prints(1025, '1KiB1B');
