// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, test, vi } from 'vitest';
import { silentLogger } from '../base/index.ts';
import type { WorkerPoolOptions } from './workers.ts';
import { WORKER_SLOT_BYTES, WorkerError, WorkerPool, WorkerWord } from './workers.ts';

/** A worker that obeys words: echo, crash, spin (deaf) or wait (until the stop word names its request). */
const script = `
import { parentPort, workerData } from 'node:worker_threads';
const control = workerData.control;
const word = workerData.slot * ${WORKER_SLOT_BYTES / 4};
parentPort.on('message', ({ id, request }) => {
  if (request === 'call') parentPort.postMessage({ helpWanted: true });
  if (request === 'crash') throw new Error('boom');
  if (request === 'exit') process.exit(3);
  if (request === 'spin') for (;;);
  if (request === 'wait') {
    while (Atomics.load(control, word) !== id);
    parentPort.postMessage({ id, answer: 'stopped ' + Atomics.load(control, word + 1) });
    return;
  }
  const bytes = new TextEncoder().encode(String(request));
  parentPort.postMessage({ id, answer: bytes.buffer }, [bytes.buffer]);
});
parentPort.postMessage({ ready: true });
`;

const pools: WorkerPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function newPool(options: Partial<WorkerPoolOptions> = {}): WorkerPool {
  const size = (options.size ?? 1) + (options.reserved ?? 0);
  const control = new Int32Array(new SharedArrayBuffer(size * WORKER_SLOT_BYTES));
  const pool = new WorkerPool({
    size: options.size ?? 1,
    script: new URL(`data:text/javascript,${encodeURIComponent(script)}`),
    workerData: { control },
    control,
    queueMax: 4,
    stopGraceMs: 200,
    heapMegabytesMax: 64,
    logger: silentLogger,
    ...options,
  });
  pools.push(pool);
  return pool;
}

/** Of workers that listen: however slow the machine, they are not to be replaced. */
const obeying = { stopGraceMs: 60_000 };
const text = (answer: unknown) => new TextDecoder().decode(answer as ArrayBuffer);
const long = { timeoutMs: 20_000 };
const failure = (promise: Promise<unknown>): Promise<WorkerError> =>
  promise.then(
    (answer) => Promise.reject(new Error(`answered ${answer}`)),
    (error: unknown) => (error instanceof WorkerError ? error : Promise.reject(error)),
  );

test('answers, one request after the other, with transferred bytes', async () => {
  const pool = newPool();
  const answers = await Promise.all(['a', 'b', 'c'].map((request) => pool.run(request, long)));
  expect(answers.map(text)).toEqual(['a', 'b', 'c']);
  expect(pool.stats()).toMatchObject({ running: 0, waiting: 0, answered: 3, replaced: 0 });
});

test('rules go before people', async () => {
  const pool = newPool();
  const order: string[] = [];
  const run = (name: string, priority: 'rules' | 'people') =>
    pool.run(name, { ...long, priority }).then(() => order.push(name));
  await Promise.all([run('first', 'people'), run('person', 'people'), run('rule', 'rules')]);
  expect(order).toEqual(['first', 'rule', 'person']);
});

test('a timeout stops the worker through the shared word', async () => {
  const pool = newPool(obeying);
  expect(await pool.run('wait', { timeoutMs: 50 })).toBe('stopped 2');
  expect(pool.stats().replaced).toBe(0);
});

test('a caller that goes away cancels', async () => {
  const pool = newPool(obeying);
  const controller = new AbortController();
  const running = pool.run('wait', { ...long, signal: controller.signal });
  const waiting = failure(pool.run('x', { ...long, signal: controller.signal }));
  controller.abort();
  expect(await running).toBe('stopped 1');
  expect(await waiting).toMatchObject({ code: 'canceled' });
});

test('a worker that does not listen is replaced, and the next request is answered', async () => {
  const pool = newPool();
  const spun = failure(pool.run('spin', { timeoutMs: 50 }));
  const next = pool.run('next', long);
  expect(await spun).toMatchObject({
    code: 'timeout',
    message: 'query timed out in expression evaluation',
  });
  expect(text(await next)).toBe('next');
  expect(pool.stats().replaced).toBe(1);
});

test.each(['crash', 'exit'])('a worker that dies (%s) fails its request only', async (how) => {
  const pool = newPool();
  const died = failure(pool.run(how, long));
  const next = pool.run('next', long);
  expect(await died).toMatchObject({ code: 'crashed' });
  expect(text(await next)).toBe('next');
});

test('the queue is bounded, and waiting has its timeout too', async () => {
  const pool = newPool({ queueMax: 1, ...obeying });
  const running = pool.run('wait', { timeoutMs: 300 });
  const queued = failure(pool.run('a', { timeoutMs: 50 }));
  expect(await failure(pool.run('b', long))).toMatchObject({ code: 'queue_full' });
  expect(await queued).toMatchObject({
    code: 'queue_timeout',
    message: 'query timed out in query queue',
  });
  await running;
});

test('closing fails what is under way', async () => {
  const pool = newPool();
  const running = failure(pool.run('spin', long));
  const waiting = failure(pool.run('a', long));
  await pool.close();
  expect(await running).toMatchObject({ code: 'closed' });
  expect(await waiting).toMatchObject({ code: 'closed' });
  expect(await failure(pool.run('a', long))).toMatchObject({ code: 'closed' });
});

test('rules have a worker of their own that people cannot keep busy', async () => {
  const pool = newPool({ reserved: 1, ...obeying });
  const busy = new AbortController();
  const hanging = pool.run('wait', { ...long, signal: busy.signal });
  const waiting = pool.run('people', long);
  expect(text(await pool.run('rule', { ...long, priority: 'rules' }))).toBe('rule');
  expect(pool.stats()).toMatchObject({ running: 1, waiting: 1 });
  busy.abort();
  await hanging;
  expect(text(await waiting)).toBe('people');
});

test('further workers come when requests wait, and go when they are idle for long', async () => {
  const pool = newPool({ size: 3, idleMs: 3000, ...obeying });
  expect(pool.stats().threads).toBe(1);
  expect(text(await pool.run('alone', long))).toBe('alone');
  expect(pool.stats().threads).toBe(1);
  const busy = new AbortController();
  const hanging = pool.run('wait', { ...long, signal: busy.signal });
  expect(text(await pool.run('beside', long))).toBe('beside');
  expect(pool.stats()).toMatchObject({ threads: 3, running: 1 });
  await vi.waitFor(() => expect(pool.stats().threads).toBe(1), { timeout: 20_000 });
  // What they had is not lost: the next that has to wait starts them again.
  expect(text(await pool.run('again', long))).toBe('again');
  busy.abort();
  expect(await hanging).toBe('stopped 1');
  expect(pool.stats().replaced).toBe(0);
});

test('further workers come when one calls for help', async () => {
  const pool = newPool({ size: 2, ...obeying });
  expect(text(await pool.run('call', long))).toBe('call');
  expect(pool.stats().threads).toBe(2);
});

test('how many threads a slot has lost, and what it was sent, stands in its words', async () => {
  const control = new Int32Array(new SharedArrayBuffer(WORKER_SLOT_BYTES));
  const pool = newPool({ control, workerData: { control } });
  await pool.run('a', long);
  await pool.run('b', long);
  expect(control[WorkerWord.sent]).toBe(2);
  expect(control[WorkerWord.deaths]).toBe(0);
  await failure(pool.run('crash', long));
  await pool.run('c', long);
  expect(control[WorkerWord.sent]).toBe(1);
  expect(control[WorkerWord.deaths]).toBe(1);
});
