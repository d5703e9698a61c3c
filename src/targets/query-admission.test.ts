// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { QueryAdmission } from './query-admission.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function entering(admission: QueryAdmission) {
  const admitted: string[] = [];
  const enter = (name: string, cost: number, signal = new AbortController().signal): void => {
    admission
      .enter(cost, signal, () => new Error('refused'))
      .then(
        () => admitted.push(name),
        (error: Error) => admitted.push(`${name} ${error.message}`),
      );
  };
  return { admitted, enter };
}

test('lets in what fits together; the most expensive waits the longest', async () => {
  const admission = new QueryAdmission(10);
  const { admitted, enter } = entering(admission);
  enter('a', 6);
  enter('huge', 100);
  enter('big', 9);
  enter('small', 4);
  enter('next', 5);
  await settle();
  expect(admitted).toEqual(['a', 'small']);
  admission.leave(6);
  await settle();
  expect(admitted).toEqual(['a', 'small', 'next']);
  admission.leave(4);
  admission.leave(5);
  await settle();
  expect(admitted.slice(3)).toEqual(['big']);
  admission.leave(9);
  await settle();
  // Too much by itself: alone.
  expect(admitted.slice(4)).toEqual(['huge']);
  enter('last', 0);
  await settle();
  expect(admitted.slice(5)).toEqual([]);
  admission.leave(100);
  await settle();
  expect(admitted.slice(5)).toEqual(['last']);
});

test('one that gives up leaves its place to the next', async () => {
  const admission = new QueryAdmission(10);
  const { admitted, enter } = entering(admission);
  const gone = new AbortController();
  enter('a', 8);
  enter('b', 8, gone.signal);
  enter('c', 9);
  gone.abort();
  enter('d', 1, AbortSignal.abort());
  await settle();
  expect(admitted).toEqual(['a', 'b refused', 'd refused']);
  admission.leave(8);
  await settle();
  expect(admitted.slice(3)).toEqual(['c']);
});
