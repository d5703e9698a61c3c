// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createTimeZone, parseZoneFile, zoneAt } from './time-zone.ts';

const berlin = '/usr/share/zoneinfo/Europe/Berlin';

test('no zone and UTC are UTC', () => {
  expect(createTimeZone('')(0)).toEqual({ name: 'UTC', offsetSeconds: 0 });
  expect(createTimeZone('UTC')(1.7e12)).toEqual({ name: 'UTC', offsetSeconds: 0 });
});

test.skipIf(!existsSync(berlin))('summer and winter of a zone file, as ICU has them', () => {
  const zone = createTimeZone('Europe/Berlin');
  expect(zone(Date.UTC(2024, 0, 15))).toEqual({ name: 'CET', offsetSeconds: 3600 });
  expect(zone(Date.UTC(2024, 6, 15))).toEqual({ name: 'CEST', offsetSeconds: 7200 });
  const file = parseZoneFile(readFileSync(berlin))!;
  for (let month = 0; month < 240; month++) {
    const ms = Date.UTC(2000, month, 10, 12);
    const known = zoneAt(file, ms / 1000);
    // A file may leave later years to its rule.
    if (known === undefined) continue;
    const text = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Berlin',
      timeZoneName: 'short',
    }).format(ms);
    expect(`${month} ${text.split(', ')[1]}`).toBe(`${month} ${known.name}`);
  }
});

test.skipIf(!existsSync(berlin))('a file cut short is no zone file', () => {
  const bytes = readFileSync(berlin);
  for (const length of [0, 3, 43, 60, 500])
    expect(parseZoneFile(bytes.subarray(0, length))).toBe(undefined);
});
