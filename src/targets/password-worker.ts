// SPDX-License-Identifier: Apache-2.0
// Compares one password with one bcrypt hash and ends. In a thread of its own: it takes tens of
// milliseconds, and is meant to.

import { parentPort, workerData } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

const { password, hash } = workerData as { readonly password: string; readonly hash: string };
parentPort?.postMessage(compareSync(password, hash));
