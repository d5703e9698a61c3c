// SPDX-License-Identifier: Apache-2.0
// What the quick ways of matching are worth against RE2 itself, over a thousand label values.

import { RE2JS } from 're2js';
import { bench, describe } from 'vitest';
import { labelsFrom } from './labels.ts';
import { compileRegexp } from './regexp.ts';
import { relabel, relabelRule } from './relabel.ts';

const values = Array.from({ length: 1000 }, (_, i) => `host-${i}.example.org:9100`);

for (const source of ['host-1.example.org:9100|x', 'host-1.*', '.*example.*', '([^:]+):(\\d+)']) {
  describe(`1000 values against ${source}`, () => {
    const ours = compileRegexp(source);
    const re2 = RE2JS.compile(`^(?s:${source})$`);
    bench(`ours (${ours.method})`, () => {
      for (const value of values) ours.test(value);
    });
    bench('re2js', () => {
      for (const value of values) re2.test(value);
    });
  });
}

describe('relabelling 1000 label sets by three rules', () => {
  const sets = values.map((value) =>
    labelsFrom({ __address__: value, __meta_pod_name: value, job: 'node', env: 'production' }),
  );
  const rules = [
    { sourceLabels: ['env'], regex: 'production|staging', action: 'keep' },
    { sourceLabels: ['__address__'], regex: '([^:]+):\\d+', targetLabel: 'host' },
    { regex: '__meta_(.+)', action: 'labelmap' },
  ].map(relabelRule);
  bench('relabel', () => {
    for (const labels of sets) relabel(labels, rules);
  });
});
