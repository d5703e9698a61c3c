// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

test.runIf(process.platform === 'linux')('a thread gives way by itself', async () => {
  const file = new URL('./thread-priority.ts', import.meta.url);
  // What the file says without its types, in a thread of its own.
  const code = readFileSync(file, 'utf8').replace(/\(niceness: number\): boolean/, '(niceness)');
  const script = `${code}
    import { parentPort } from 'node:worker_threads';
    import { getPriority } from 'node:os';
    const done = giveWay(7);
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    parentPort.postMessage([done, getPriority(thread)]);`;
  const before = getPriority();
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const message = await new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  expect(message).toEqual([true, 7]);
  expect(getPriority()).toBe(before);
});
