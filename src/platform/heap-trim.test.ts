// SPDX-License-Identifier: Apache-2.0
import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, test, vi } from 'vitest';
import { HeapTrimmer } from './heap-trim.ts';

const MEGABYTE = 1 << 20;

/** A heap whose use is played step by step; collecting leaves `alive`. */
function play(steps: readonly number[], alive: number, slackBytes?: number): number[] {
  const collectedAt: number[] = [];
  let used = 0;
  let step = 0;
  const trimmer = new HeapTrimmer({
    usedBytes: () => used * MEGABYTE,
    collect: () => {
      used = alive;
      collectedAt.push(step);
    },
    ...(slackBytes === undefined ? {} : { slackBytes }),
  });
  for (; step < steps.length; step++) {
    used = steps[step] ?? 0;
    trimmer.tick();
  }
  return collectedAt;
}

test('collects once a burst is over, not within it', () => {
  expect(play([20, 60, 100, 102, 20, 21, 22], 18)).toEqual([3]);
});

test('leaves small garbage alone', () => {
  expect(play([6, 8, 10, 11, 11, 11], 6)).toEqual([]);
});

test('with little slack, little garbage is collected', () => {
  expect(play([6, 8, 10, 11, 11, 11], 6, MEGABYTE)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(play([6, 6.5, 6.8], 6, MEGABYTE)).toEqual([0]);
});

test('a heap that is really that large is not collected again and again', () => {
  expect(play([100, 100, 101, 102, 103, 104], 100)).toEqual([1]);
});

test('the real collector frees', () => {
  const trimmer = new HeapTrimmer();
  trimmer.tick();
  const reference = new WeakRef({ dead: true });
  return new Promise<void>((resolve) => setTimeout(resolve, 0)).then(() => {
    let used = 100 * MEGABYTE;
    const always = new HeapTrimmer({ usedBytes: () => used });
    always.tick();
    used += MEGABYTE;
    always.tick();
    expect(reference.deref()).toBe(undefined);
  });
});

test('another thread that takes the flag back in between disturbs nobody', () => {
  const run = vm.runInNewContext;
  const spy = vi.spyOn(vm, 'runInNewContext').mockImplementationOnce((code) => {
    v8.setFlagsFromString('--no-expose-gc');
    return run(code);
  });
  let used = 100 * MEGABYTE;
  const reference = new WeakRef({ dead: true });
  try {
    const trimmer = new HeapTrimmer({ usedBytes: () => used });
    expect(spy).toHaveBeenCalledTimes(2);
    return new Promise<void>((resolve) => setTimeout(resolve, 0)).then(() => {
      trimmer.tick();
      used += MEGABYTE;
      trimmer.tick();
      expect(reference.deref()).toBe(undefined);
    });
  } finally {
    spy.mockRestore();
  }
});
