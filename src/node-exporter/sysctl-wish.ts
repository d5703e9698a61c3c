// SPDX-License-Identifier: Apache-2.0

import { SourceError } from './text.ts';

/** One `--collector.sysctl.include` or `--collector.sysctl.include-info`. */
export interface SysctlWish {
  readonly name: string;
  /** Names of the fields, when the value has several. */
  readonly keys: readonly string[];
  readonly isText: boolean;
}

/** `fs.file-nr:total,current,max`. @throws SourceError */
export function parseSysctlWish(text: string, isText: boolean): SysctlWish {
  const [name = '', keys, ...rest] = text.split(':');
  if (name === '' || rest.length > 0 || keys === '')
    throw new SourceError(`invalid sysctl metric description ${JSON.stringify(text)}`);
  return { name, keys: keys === undefined ? [] : keys.split(','), isText };
}
