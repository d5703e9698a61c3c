// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { conformanceFolder } from '../../test/conformance.ts';
import { labelsToObject } from '../model/index.ts';
import { decodeJsonGroups, decodeYamlGroups } from './target-groups.ts';

const shown = (groups: ReturnType<typeof decodeJsonGroups>): unknown =>
  groups.map(({ source, targets, labels }) => ({
    source,
    targets: targets.map((target) => labelsToObject(target)),
    labels: labelsToObject(labels),
  }));

const expected = [
  {
    source: 'f:0',
    targets: [{ __address__: 'a:1' }, { __address__: 'b' }],
    labels: { env: 'x', port: '9100', __meta_filepath: 'f' },
  },
  { source: 'f:1', targets: [], labels: { __meta_filepath: 'f' } },
];

test('reads JSON and YAML alike', () => {
  const json = '[{"targets":["a:1","b"],"labels":{"env":"x","port":"9100"}},{"targets":null}]';
  expect(shown(decodeJsonGroups(json, 'f', '__meta_filepath'))).toEqual(expected);
  const yaml = '- targets: ["a:1", b]\n  labels:\n    env: x\n    port: 9100\n- targets: []\n';
  expect(shown(decodeYamlGroups(yaml, 'f', '__meta_filepath'))).toEqual(expected);
  expect(decodeYamlGroups('', 'f', 'm')).toEqual([]);
  expect(decodeJsonGroups('null', 'f', 'm')).toEqual([]);
});

const badJson = (text: string, message: RegExp): void =>
  test(`refuses ${text}`, () => expect(() => decodeJsonGroups(text, 'f', 'm')).toThrow(message));
badJson('[', /JSON/);
badJson('{}', /expected a list/);
badJson('[null]', /nil target group item found \(index 0\)/);
badJson('["x"]', /target group 0: expected/);
badJson('[{"targets":[1]}]', /target group 0: targets\[0\] must be a text/);
badJson('[{"labels":{"a":1}}]', /the label "a" must be a text/);
badJson('[{"labels":{"":"x"}}]', /"" is not a valid label name/);
badJson('[{"target":["a"]}]', /target group 0: unknown field "target"/);

test('refuses YAML that is none, or a bomb', () => {
  expect(() => decodeYamlGroups('- targets: [', 'f', 'm')).toThrow(/line 1/);
  const lines = ['a: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  expect(() => decodeYamlGroups(lines.join('\n'), 'f', 'm')).toThrow(/alias/);
});

const fixtures = conformanceFolder('promtool') ?? '';
test.skipIf(fixtures === '')('upstream’s own files', () => {
  const names = readdirSync(fixtures).filter((name) =>
    /^(good|bad)-sd-file.*\.(json|ya?ml)$/.test(name),
  );
  expect(names.length).toBe(4);
  for (const name of names) {
    const text = readFileSync(join(fixtures, name), 'utf8');
    const decode = name.endsWith('.json') ? decodeJsonGroups : decodeYamlGroups;
    if (/bad/.test(name)) expect(() => decode(text, name, 'm'), name).toThrow();
    else expect(decode(text, name, 'm').length, name).toBeGreaterThan(0);
  }
});
