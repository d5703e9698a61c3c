// SPDX-License-Identifier: Apache-2.0
// /api/v1/notifications/live of the real server: events come, clients go, and the server stops with
// listeners still there.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ApiClient, built, eventually, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

interface Event {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** One listener. `events` grows; `ended` settles when the server ends the stream. */
async function listenAt(url: string) {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/v1/notifications/live`, { signal: abort.signal });
  const events: Event[] = [];
  const read = async (): Promise<string> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        expect(block).toMatch(/^data: \{.*\}$/);
        events.push(JSON.parse(block.slice('data: '.length)) as Event);
      }
    }
    return text;
  };
  const ended = read().then(
    (rest) => `ended${rest}`,
    (error: Error) => error.name,
  );
  const next = (): Promise<Event> => eventually('an event comes', () => events.shift());
  return { response, next, ended, close: () => abort.abort() };
}

test.runIf(built)('live notifications', async () => {
  const directory = stage.directory();
  const configFile = join(directory, 'prometheus.yml');
  writeFileSync(configFile, '');
  const self = `127.0.0.1:${await freePort()}`;
  const url = `http://${self}`;
  const program = stage.hearth([
    'server',
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${self}`,
    '--web.enable-lifecycle',
    '--web.max-notifications-subscribers=2',
  ]);
  const api = new ApiClient(url);
  await api.ready();
  const reload = async (config: string): Promise<number> => {
    writeFileSync(configFile, config);
    return (await fetch(`${url}/-/reload`, { method: 'POST' })).status;
  };

  const first = await listenAt(url);
  expect(first.response.status).toBe(200);
  expect(first.response.headers.get('content-type')).toBe('text/event-stream');
  const failed = 'Configuration reload has failed.';
  expect(await reload('nonsense: true')).toBe(500);
  const event = await first.next();
  expect(event).toEqual({ text: failed, date: expect.any(String), active: true });
  expect((await api.get('/notifications')).data).toEqual([event]);

  // Who comes later hears of what holds; beyond the limit, and only there, nobody is let in.
  const second = await listenAt(url);
  expect(await second.next()).toEqual(event);
  expect((await listenAt(url)).response.status).toBe(204);
  second.close();
  expect(await second.ended).toBe('AbortError');
  const third = await eventually('there is room again', async () => {
    const listener = await listenAt(url);
    return listener.response.status === 200 ? listener : undefined;
  });
  expect(await third.next()).toEqual(event);

  expect(await reload('')).toBe(200);
  for (const listener of [first, third])
    expect(await listener.next()).toEqual({ ...event, active: false });

  // The server does not wait for its listeners: each is told, and the streams end.
  expect(await program.end()).toBe(0);
  for (const listener of [first, third]) {
    const stopping = 'Prometheus is shutting down and gracefully stopping all operations.';
    expect(await listener.next()).toMatchObject({ text: stopping, active: true });
    expect(await listener.ended).toBe('ended');
  }
});
