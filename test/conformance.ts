// SPDX-License-Identifier: Apache-2.0
// Where upstream's own test data is. It is read in place and never copied into the repository.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root =
  process.env.HEARTH_CONFORMANCE ?? resolve(import.meta.dirname, '../../shared/conformance');

/** The folder `name` of the data; undefined where there is none, which only CI refuses. */
export function conformanceFolder(name: string): string | undefined {
  const folder = resolve(root, name);
  if (existsSync(folder)) return folder;
  if (process.env.CI === 'true')
    throw new Error(`no conformance data at ${folder}: set HEARTH_CONFORMANCE`);
  return undefined;
}
