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

/** Has the owner wait for a batch that a helper is at; `checkpoint` ends the wait. */
function waiting(compute: ComputeBatch) {
  const { fanOut, helper } = rig();
  const run = fanOut.begin(work, () => {
    throw new Error('waits');
  })!;
  const other = helper();
  other.join();
  other.work((batch, slot) => {
    expect(() => run.next(compute)).toThrow('waits');
    return mark(batch, slot);
  });
  return { run, other };
}

test('while a helper is at a batch, its owner computes those behind', () => {
  const ahead: number[] = [];
  const { run, other } = waiting((batch, slot) => ahead.push(batch) > 0 && mark(batch, slot));
  expect(ahead).toEqual([1, 2, 3, 4, 5, 6, 7]);
  for (const batch of [0, 1, 2, 3, 4, 5, 6, 7]) {
    expect(markOf(run.next(mark))).toBe(batch);
    run.done();
  }
  expect(run.next(mark)).toBe(undefined);
  other.leave();
  run.close();
});

test('what fails ahead of its turn is computed again at its turn, and then fails', () => {
  const { run, other } = waiting((batch, slot) => {
    if (batch === 2) throw new Error('too many samples');
    return mark(batch, slot);
  });
  for (const expected of [0, 1, undefined]) {
    expect(markOf(run.next(mark))).toBe(expected);
    run.done();
  }
  other.leave();
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
