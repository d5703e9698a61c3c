// SPDX-License-Identifier: Apache-2.0
import { type ReactNode, useState } from 'react';
import type { HistogramBucket, HistogramValue } from '../../../src/apitypes/index.ts';

/** `(0.5, 1]`: which of its bounds a bucket holds is the rule's. */
const bucketText = ([rule, lower, upper]: HistogramBucket): string =>
  `${rule === 1 || rule === 3 ? '[' : '('}${lower}, ${upper}${rule === 0 || rule === 3 ? ']' : ')'}`;

/** A native histogram: count, sum, and its buckets with bars when asked. */
export function HistogramText({ histogram }: { readonly histogram: HistogramValue }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { count, sum, buckets = [] } = histogram;
  const most = Math.max(...buckets.map(([, , , n]) => Math.abs(Number(n))), 0);
  return (
    <div className="histogram">
      <div>
        count {count}, sum {sum}
        {buckets.length > 0 && (
          <button
            type="button"
            className="plain-button histogram-more"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'hide' : buckets.length} bucket{buckets.length === 1 ? '' : 's'}
          </button>
        )}
      </div>
      {isOpen &&
        buckets.map((bucket) => (
          <div key={bucketText(bucket)} className="bucket">
            <span>{bucketText(bucket)}</span>
            <span className="bucket-bar" aria-hidden="true">
              <span style={{ width: `${(100 * Math.abs(Number(bucket[3]))) / (most || 1)}%` }} />
            </span>
            <span>{bucket[3]}</span>
          </div>
        ))}
    </div>
  );
}
