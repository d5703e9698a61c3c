// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { featureList } from './feature-list.ts';

const list = (...features: string[]) =>
  featureList({ features, adminApiEnabled: true, lifecycleEnabled: false, autoReloadMs: 1000 });

test('features follow the flags', () => {
  const off = list();
  expect(off).toMatchObject({
    api: { admin: true, lifecycle: false },
    prometheus: { auto_reload_config: true },
    promql: { fill: false, subqueries: true, duration_expr: true },
    promql_functions: { rate: true, info: false },
    promql_operators: { limitk: false, unless: true },
    rules: { concurrent_rule_eval: false },
    tsdb: { exemplar_storage: false },
  });
  const on = list(
    'promql-experimental-functions',
    'exemplar-storage',
    'concurrent-rule-eval',
    'promql-binop-fill-modifiers',
  );
  expect(on).toMatchObject({
    promql: { fill: true, fill_left: true },
    promql_functions: { info: true },
    promql_operators: { limitk: true },
    rules: { concurrent_rule_eval: true },
    tsdb: { exemplar_storage: true },
  });
});
