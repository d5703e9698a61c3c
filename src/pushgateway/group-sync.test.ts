// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { GroupSync } from './group-sync.ts';

/** Syncs that end when told. */
function rig() {
  const running: { readonly end: (error?: Error) => void }[] = [];
  const group = new GroupSync(
    () =>
      new Promise((resolve, reject) => {
        running.push({ end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  );
  return { group, running };
}
const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

test('all who come while one runs share the next', async () => {
  const { group, running } = rig();
  const done: string[] = [];
  const ask = (name: string): void =>
    void group.request().then(
      () => done.push(name),
      (error: Error) => done.push(`${name} ${error.message}`),
    );
  ask('first');
  ask('second');
  ask('third');
  expect(running).toHaveLength(1);
  running[0]!.end();
  await settled();
  expect(done).toEqual(['first']);
  expect(running).toHaveLength(2);
  ask('fourth');
  running[1]!.end(new Error('failed'));
  await settled();
  expect(done).toEqual(['first', 'second failed', 'third failed']);
  expect(running).toHaveLength(3);
  running[2]!.end();
  await settled();
  expect(done.at(-1)).toBe('fourth');
  expect(running).toHaveLength(3);
});
