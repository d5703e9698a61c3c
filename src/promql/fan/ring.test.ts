// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { ComputeBatch, FanSlot, FanTask } from '../operators/fan-out.ts';
import { closeFanRing, FanHelper, fanRingBytes, RingFanOut } from './ring.ts';

const WIDTH = 2;
const rows = { rowCount: 40, rowsPerBatch: 2, stepCount: 3 };
const work: FanTask = { kind: 'leaf', text: 'leaf', view: [7], ...rows };

function rig() {
  const buffer = new SharedArrayBuffer(fanRingBytes(WIDTH));
  const deaths = new Map<number, number>();
  const fanOut = new RingFanOut({
    buffer,
    address: 0,
    width: WIDTH,
    generations: (helper) => deaths.get(helper) ?? 0,
    call: () => undefined,
  });
  const helper = (generation = 0): FanHelper =>
    new FanHelper({ buffer, address: 0, width: WIDTH, helper: 1, generation });
  return { buffer, deaths, fanOut, helper };
}

/** Writes the batch's number. */
const mark: ComputeBatch = (batch, slot) => {
  slot.values[0] = batch;
  return slot.writeNotes('');
};
const noMark: ComputeBatch = () => false;
const markOf = (slot: FanSlot | undefined) => slot?.values[0];

test('batches come in order, whoever computes them', () => {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const other = helper();
  expect(other.join()).toEqual(work);
  for (let i = 0; i < 3; i++) expect(other.work(mark)).toBe('computed');
  const taken: (number | undefined)[] = [];
  for (let batch = 0; batch < 20; batch++) {
    taken.push(markOf(run.next(mark)));
    run.done();
    if (batch === 5) expect(other.work(mark)).toBe('computed');
  }
  // What nobody else had is left to the caller.
  expect(taken.slice(0, 9)).toEqual([
    0,
    1,
    2,
    undefined,
    undefined,
    undefined,
    6,
    undefined,
    undefined,
  ]);
  expect(other.work(mark)).toBe('none');
  other.leave();
  run.close();
  expect(helper().join()).toBe(undefined);
});

test('a helper is never farther ahead than there are slots', () => {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const other = helper();
  other.join();
  let computed = 0;
  while (other.work(mark) === 'computed') computed++;
  expect(other.work(mark)).toBe('full');
  expect(computed).toBe(8);
  expect(markOf(run.next(mark))).toBe(0);
  run.done();
  expect(other.work(mark)).toBe('computed');
  other.leave();
  run.close();
});

/** Has the owner want a batch that a helper is at, and lose its patience. */
function impatient(compute: ComputeBatch) {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const other = helper();
  other.join();
  expect(other.settle()).toBe(true);
  other.work((batch, slot) => {
    expect(run.next(compute)).toBe(undefined);
    return mark(batch, slot);
  });
  return { run, other };
}

test('while a helper is at a batch, its owner computes those behind, and then the batch itself', () => {
  const ahead: number[] = [];
  const { run } = impatient((batch, slot) => ahead.push(batch) > 0 && mark(batch, slot));
  expect(ahead).toEqual([1, 2, 3, 4, 5, 6, 7]);
  run.done();
  for (const batch of [1, 2, 3, 4, 5, 6, 7]) {
    expect(markOf(run.next(mark))).toBe(batch);
    run.done();
  }
  expect(run.next(mark)).toBe(undefined);
  run.close();
});

test('a slot is not used again before the thread that sleeps over it lets it go', () => {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const [other, third] = [helper(), helper()];
  for (const one of [other, third]) {
    one.join();
    one.settle();
  }
  other.work((batch, slot) => {
    for (let i = 0; i < 4; i++) {
      run.next(mark);
      run.done();
    }
    // All others hold a batch that was computed ahead, or did: the next would be in this one.
    expect(third.work(mark)).toBe('full');
    slot.values[0] = -1;
    expect(batch).toBe(0);
    return true;
  });
  expect(third.work(mark)).toBe('computed');
  const taken = new Set<number | undefined>();
  for (let batch = 4; batch < 20; batch++) {
    taken.add(markOf(run.next(mark)));
    run.done();
  }
  expect(taken).not.toContain(-1);
  run.close();
});

test('what comes late, from a task that is over, is not taken for another’s', () => {
  const { fanOut, helper } = rig();
  const first = fanOut.begin(work, () => undefined)!;
  const other = helper();
  other.join();
  other.settle();
  other.work((_batch, slot) => {
    first.close();
    const second = fanOut.begin(work, () => undefined)!;
    slot.values[0] = -1;
    // It is in the way of nobody: its slot is left out.
    expect(markOf(second.next(mark))).toBe(undefined);
    second.done();
    expect(markOf(second.next(mark))).toBe(undefined);
    second.close();
    return true;
  });
  const third = fanOut.begin(work, () => undefined)!;
  expect(markOf(third.next(mark))).toBe(undefined);
  third.close();
});

test('what fails ahead of its turn is computed again at its turn, and then fails', () => {
  const { run } = impatient((batch, slot) => {
    if (batch === 2) throw new Error('too many samples');
    return mark(batch, slot);
  });
  run.done();
  for (const expected of [1, undefined]) {
    expect(markOf(run.next(mark))).toBe(expected);
    run.done();
  }
  run.close();
});

test('what a helper leaves undone is its owner’s, and all that follows', () => {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const other = helper();
  other.join();
  expect(other.work(mark)).toBe('computed');
  expect(other.work(noMark)).toBe('left');
  expect(markOf(run.next(mark))).toBe(0);
  run.done();
  expect(run.next(mark)).toBe(undefined);
  run.done();
  expect(other.work(mark)).toBe('none');
  expect(run.next(mark)).toBe(undefined);
  other.leave();
  run.close();
});

test('what a thread that died had is its owner’s, and nobody waits for it', () => {
  const { fanOut, helper, deaths } = rig();
  const run = fanOut.begin(work, () => undefined)!;
  const other = helper();
  other.join();
  expect(() =>
    other.work(() => {
      // Its end, in the middle of the batch.
      deaths.set(1, 1);
      throw new Error('dies');
    }),
  ).toThrow('dies');
  expect(run.next(mark)).toBe(undefined);
  run.done();
  run.close();
  // Its successor is welcome.
  expect(fanOut.begin(work, () => undefined)).toBeDefined();
  expect(helper(1).join()).toEqual(work);
});

test('the task of an owner that died is closed for its helpers', () => {
  const { fanOut, helper, buffer } = rig();
  fanOut.begin(work, () => undefined);
  const other = helper();
  other.join();
  expect(other.isOver).toBe(false);
  closeFanRing(buffer, 0);
  expect(other.isOver).toBe(true);
  expect(other.work(mark)).toBe('none');
  // While one that it left behind is still there, its successor works alone.
  const successor = new RingFanOut({
    buffer,
    address: 0,
    width: WIDTH,
    generations: () => 0,
    call: () => undefined,
  });
  expect(successor.begin(work, () => undefined)).toBe(undefined);
  other.leave();
  expect(successor.begin(work, () => undefined)).toBeDefined();
});

test('batches whose cells the owner fills in are claimed when they are, and not before', () => {
  const { fanOut, helper } = rig();
  const filled: number[] = [];
  const task: FanTask = { kind: 'text', startMs: 0, stepMs: 1, ...rows };
  const run = fanOut.begin(
    task,
    () => undefined,
    (batch, slot) => {
      filled.push(batch);
      slot.values[0] = 10 * batch;
    },
  )!;
  expect(filled).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  const other = helper();
  expect(other.join()).toEqual(task);
  const double: ComputeBatch = (_batch, slot) => {
    slot.values[0]! *= 2;
    return true;
  };
  for (let i = 0; i < 8; i++) expect(other.work(double)).toBe('computed');
  expect(other.work(double)).toBe('full');
  for (const batch of [0, 1, 2]) {
    expect(markOf(run.next(double))).toBe(20 * batch);
    run.done();
  }
  expect(filled.slice(8)).toEqual([8, 9, 10]);
  expect(other.work(double)).toBe('computed');
  other.leave();
  run.close();
});
