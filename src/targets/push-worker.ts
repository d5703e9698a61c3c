// SPDX-License-Identifier: Apache-2.0
// Prepares large pushes for the Pushgateway, one at a time.

import { parentPort } from 'node:worker_threads';
import type { PrepareRequest } from '../pushgateway/index.ts';
import { preparePush } from '../pushgateway/index.ts';

parentPort?.on('message', (request: PrepareRequest) => {
  const reply = preparePush(request);
  const transfer = 'prepared' in reply ? [reply.prepared.record.buffer] : [];
  parentPort?.postMessage(reply, transfer);
});
