// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { ServerRequest, ServerResponse } from '../base/index.ts';
import { AdminRoutes } from './admin-routes.ts';
import { ApiError } from './answers.ts';
import type { AdminServices, ApiServices } from './services.ts';

function routes(over: Partial<ApiServices> = {}): { admin: AdminRoutes; calls: unknown[] } {
  const calls: unknown[] = [];
  const services: AdminServices = {
    deleteSeries: async (...args) => void calls.push(args),
    cleanTombstones: async () => void calls.push('clean'),
    snapshot: async (withHead) => {
      calls.push(withHead);
      return '20240102T030405Z-00';
    },
    blocks: () => [{ ulid: 'X' }],
  };
  const matchers = [{ name: 'a', type: '=', value: 'b' }];
  const parts = {
    adminEnabled: true,
    admin: services,
    queryTimeoutMs: 1,
    workers: {
      run: async (job: { selector: string }) =>
        job.selector === 'bad'
          ? { ok: false, errorType: 'bad_data', message: 'parse error' }
          : { ok: true, body: new TextEncoder().encode(JSON.stringify({ data: matchers })) },
    },
    ...over,
  };
  return { admin: new AdminRoutes(parts as unknown as ApiServices), calls };
}

const request = (query: string): ServerRequest =>
  ({ params: new URLSearchParams(query), signal: new AbortController().signal }) as ServerRequest;

async function failure(act: () => Promise<ServerResponse>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ApiError) return `${error.errorType}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

test('deletion passes selectors and bounds on, and answers with nothing', async () => {
  const { admin, calls } = routes();
  const answer = await admin.deleteSeries(request('match[]=a&match[]=c&start=1&end=2.5'));
  expect(answer).toMatchObject({ status: 204, body: '' });
  const matchers = [{ name: 'a', type: '=', value: 'b' }];
  expect(calls).toEqual([[[matchers, matchers], 1000, 2500]]);
});

test('mistakes are told in upstream’s words', async () => {
  const { admin } = routes();
  expect(await failure(() => admin.deleteSeries(request('')))).toBe(
    'bad_data: no match[] parameter provided',
  );
  expect(await failure(() => admin.deleteSeries(request('match[]=bad')))).toBe(
    'bad_data: invalid parameter "match[]": parse error',
  );
  expect(await failure(() => admin.snapshot(request('skip_head=maybe')))).toBe(
    `bad_data: invalid parameter "skip_head": unable to parse boolean 'skip_head' argument: strconv.ParseBool: parsing "maybe": invalid syntax`,
  );
});

test('snapshots are with the head unless told otherwise', async () => {
  const { admin, calls } = routes();
  for (const query of ['', 'skip_head=false', 'skip_head=1']) {
    const { body } = await admin.snapshot(request(query));
    expect(JSON.parse(String(body))).toEqual({
      status: 'success',
      data: { name: '20240102T030405Z-00' },
    });
  }
  expect(calls).toEqual([true, true, false]);
});

test('without the flag everything but the list of blocks is refused', async () => {
  const { admin } = routes({ adminEnabled: false });
  const disabled = 'unavailable: admin APIs disabled';
  expect(await failure(() => admin.deleteSeries(request('match[]=a')))).toBe(disabled);
  expect(await failure(() => admin.cleanTombstones())).toBe(disabled);
  expect(await failure(() => admin.snapshot(request('')))).toBe(disabled);
  expect(JSON.parse(String(admin.blocks().body))).toEqual({
    status: 'success',
    data: { blocks: [{ ulid: 'X' }] },
  });
});

test('an error of the database is an internal one', async () => {
  const base = routes();
  const failing = {
    cleanTombstones: () => Promise.reject(new Error('no space left')),
  } as unknown as AdminServices;
  const { admin } = routes({ admin: failing });
  expect(await failure(() => admin.cleanTombstones())).toBe('internal: no space left');
  expect(base.calls).toEqual([]);
});

test('ends queries, where the admin API is on', async () => {
  const ended: string[] = [];
  const queries = {
    list: () => [],
    cancel: (id: string) => {
      ended.push(id);
      return id === '7';
    },
  };
  const cancel = (over: Partial<ApiServices>, id: string) =>
    failure(async () => routes({ queries, ...over }).admin.cancelQuery(id));
  expect(await cancel({ adminEnabled: false }, '7')).toBe('unavailable: admin APIs disabled');
  expect(ended).toEqual([]);
  expect(await cancel({}, '7')).toBe('no error');
  expect(await cancel({}, '8')).toBe('not_found: no query with the id "8" is running or waiting');
  expect(ended).toEqual(['7', '8']);
});
