// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { yamlParts } from './yaml-parts.ts';

const is = (line: string, before: string, key: string, after: string): void =>
  test(line, () => expect(yamlParts(line)).toEqual({ before, key, after }));

is('global:', '', 'global', ':');
is('  scrape_interval: 15s', '  ', 'scrape_interval', ': 15s');
is('  - job_name: a: b', '  - ', 'job_name', ': a: b');
is('    - localhost:9090', '    - localhost:9090', '', '');
is('', '', '', '');
