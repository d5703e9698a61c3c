// SPDX-License-Identifier: Apache-2.0

import { labelsFrom, labelsKey } from '../model/index.ts';
import { RuleError } from './alerting-rule.ts';
import type { RuleEvaluator } from './evaluator.ts';
import type { RecordingRuleOptions } from './options.ts';
import type { OutputSample } from './output.ts';

/** The series that a recording rule gives at one moment. @throws RuleError */
export async function evaluateRecording(
  options: RecordingRuleOptions,
  evaluator: RuleEvaluator,
  timeMs: number,
  limit: number,
): Promise<readonly OutputSample[]> {
  const { expression, name, labels } = options;
  const { samples } = await evaluator.evaluate({ expression, timeMs, alert: undefined });
  const seen = new Set<string>();
  const output = samples.map((sample): OutputSample => {
    const pairs = Object.fromEntries(sample.labels.map((label) => [label.name, label.value]));
    const own = labelsFrom({ ...pairs, ...labels, __name__: name });
    const key = labelsKey(own);
    if (seen.has(key)) {
      throw new RuleError(
        'vector contains metrics with the same labelset after applying rule labels',
      );
    }
    seen.add(key);
    return { labels: own, timeMs, value: sample.value, histogram: sample.histogram };
  });
  if (limit > 0 && output.length > limit)
    throw new RuleError(`exceeded limit of ${limit} with ${output.length} series`);
  return output;
}
