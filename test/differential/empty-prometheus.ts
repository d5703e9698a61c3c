// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, peerPath, startPeer, waitForUrl } from '../peers.ts';

export const prometheus = peerPath('prometheus');

export interface EmptyPrometheus {
  readonly url: string;
  close(): Promise<void>;
}

/** The real Prometheus with no data and nothing to scrape. */
export async function startEmptyPrometheus(
  flags: readonly string[] = [],
): Promise<EmptyPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-differential-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = join(folder, 'prometheus.yml');
  writeFileSync(config, 'global: {}\n');
  const peer = startPeer(prometheus ?? '', [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${url.slice('http://'.length)}`,
    ...flags,
  ]);
  const close = async (): Promise<void> => {
    await peer.stop();
    rmSync(folder, { recursive: true });
  };
  await waitForUrl(`${url}/-/ready`, peer);
  return { url, close };
}
