// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { featureNames, idleFeatures, queryFeatures } from './feature-flags.ts';

test('names switch parts of the engine on', () => {
  const names = featureNames(['promql-experimental-functions,type-and-unit-labels', 'x']);
  expect(queryFeatures(names)).toEqual({
    engine: { durationExpressions: true, experimentalFunctions: true, typeAndUnitLabels: true },
    perStepStats: false,
  });
  expect(queryFeatures(['promql-per-step-stats']).perStepStats).toBe(true);
});

test('names that do nothing are told', () => {
  expect(
    idleFeatures([
      'x',
      'histograms-st-encoding',
      'concurrent-rule-eval',
      'promql-duration-expr',
      'use-start-timestamps',
    ]),
  ).toEqual([
    { name: 'x', message: 'Unknown option for --enable-feature' },
    {
      name: 'promql-duration-expr',
      message: 'This option for --enable-feature is a no-op: the feature is always on',
    },
  ]);
});
