// SPDX-License-Identifier: Apache-2.0
// Reads the head again and again from a thread of its own and says what is wrong with a view.
import { parentPort, workerData } from 'node:worker_threads';
import { createNodeFileSystem } from '../../dist/platform/index.js';
import { viewMemory } from '../../dist/kernels/index.js';
import { HeadReader } from '../../dist/tsdb/index.js';

const shared = viewMemory(workerData.memory);
const reader = new HeadReader(shared, workerData.slot, {
  files: createNodeFileSystem(),
  directory: workerData.directory,
});
const stop = new Int32Array(workerData.stop);
let queries = 0;
let samples = 0;
let histograms = 0;
let newest = 0;

/** As the writer makes them: see isolation.test.ts. */
function checkHistogram(histogram, time, series) {
  const count = (time - workerData.start) * 100 + series + 1;
  const isFloat = series % 8 === 7;
  const { positiveBuckets } = histogram;
  const whole = histogram.count === count && positiveBuckets[0] === count;
  if (whole && histogram.isFloat === isFloat && positiveBuckets.length === 1) return;
  throw new Error(`histogram ${series}: ${histogram.count} at ${time} was never written`);
}

/** Throws unless the view is whole: all series of a scrape, ascending times, values that belong to them. */
function checkView(querier, group) {
  const set = querier.select([{ name: 'group', type: '=', value: group }], 0, 1e15);
  const key = set.symbols.id('i');
  let last = -1;
  let read = 0;
  for (let row = 0; row < set.count; row++) {
    const text = set.symbols.text(set.labelValueId(row, key));
    const series = Number(text);
    if (!Number.isInteger(series)) throw new Error(`label ${JSON.stringify(text)} is not ours`);
    const n = set.read(row, 0, 1e15);
    if (n === 0) continue;
    read++;
    samples += n;
    const { times, values } = set.columns;
    for (let k = 0; k < n; k++) {
      if (k > 0 && times[k] <= times[k - 1]) throw new Error(`time goes back: ${times[k]}`);
      if (values[k] !== times[k] * 1000 + series) {
        throw new Error(`${group} ${series}: ${values[k]} at ${times[k]} was never written`);
      }
      const histogram = set.histograms?.[k];
      if ((histogram !== undefined) !== (series % 4 === 3)) {
        throw new Error(`${group} ${series}: a sample of the wrong kind at ${times[k]}`);
      }
      if (histogram === undefined) continue;
      histograms++;
      checkHistogram(histogram, times[k], series);
    }
    const end = times[n - 1];
    if (group === 'steady') {
      if (last !== -1 && end !== last) throw new Error(`half a scrape: ${end} beside ${last}`);
      last = end;
    }
  }
  if (group === 'steady' && last >= 0) {
    if (read !== workerData.steady) throw new Error(`${read} series of ${workerData.steady}`);
    if (last < newest) throw new Error(`a later query sees less: ${last} after ${newest}`);
    newest = last;
  }
}

try {
  while (Atomics.load(stop, 0) === 0) {
    const querier = reader.querier();
    try {
      checkView(querier, 'steady');
      checkView(querier, 'churn');
      // Some hold their view for longer.
      if (queries % 7 === 0) for (let i = 0; i < 5; i++) checkView(querier, 'churn');
    } finally {
      querier.close();
    }
    queries++;
  }
  parentPort.postMessage({ queries, samples, histograms });
} catch (error) {
  Atomics.store(stop, 0, 2);
  parentPort.postMessage({ error: String(error), queries });
}
