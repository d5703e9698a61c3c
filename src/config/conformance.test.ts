// SPDX-License-Identifier: Apache-2.0
// Upstream's own good and bad files.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { conformanceFolder } from '../../test/conformance.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import { ConfigError, parseConfig } from './index.ts';
import { laterExceptions } from './conformance-exceptions.ts';

const found = conformanceFolder('prometheus-config');
const isThere = found !== undefined;
const folder = found ?? '';

/** Undefined when the file loads, else the errors. */
function verdict(name: string, agentMode = false): readonly string[] | undefined {
  const path = join(folder, name);
  try {
    parseConfig(readFileSync(path, 'utf8'), {
      fileName: path,
      files: createNodeFileSystem(),
      environment: { TEST: 'TestValue' },
      agentMode,
    });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

test.skipIf(!isThere)('upstream’s good files load and its bad ones do not', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  const wrong: string[] = [];
  let right = 0;
  let excepted = 0;
  for (const name of names) {
    // These are no main configuration files.
    if (name.startsWith('agent_mode.') || name === 'static_config.bad.yml') continue;
    const isBad = /\.bad\.yml$|\.incompatible\.yml$|deprecated_am_api/.test(name);
    const errors = verdict(name);
    const reason = laterExceptions.get(name);
    if (reason !== undefined) {
      const refusesAnyway = reason.startsWith('refused for another reason');
      if (refusesAnyway === (errors !== undefined)) excepted++;
      else wrong.push(`${name} is no exception any more`);
    } else if (isBad === (errors !== undefined)) right++;
    else wrong.push(`${name}: ${errors ? errors.join(' | ') : 'loads'}`);
    // Each refusal says where.
    for (const error of errors ?? []) if (!/\.yml:\d+:\d+: /.test(error)) wrong.push(error);
  }
  console.log(`${right} right, ${excepted} wait for later sections, of ${names.length} files`);
  expect(wrong).toEqual([]);
  expect(excepted).toBe(laterExceptions.size);
});

test.skipIf(!isThere)('agent mode refuses what an agent cannot do', () => {
  const verdicts = readdirSync(folder)
    .filter((name) => name.startsWith('agent_mode.'))
    .map((name) => [name, verdict(name, true)?.[0]?.replace(/^.*:\d+:\d+: /, '')]);
  expect(Object.fromEntries(verdicts)).toEqual({
    'agent_mode.good.yml': undefined,
    'agent_mode.with_alert_manager.yml': 'alerting: field alerting is not allowed in agent mode',
    'agent_mode.with_alert_relabels.yml': 'alerting: field alerting is not allowed in agent mode',
    'agent_mode.with_remote_reads.yml':
      'remote_read: field remote_read is not allowed in agent mode',
    'agent_mode.with_rule_files.yml': 'rule_files: field rule_files is not allowed in agent mode',
    'agent_mode.without_remote_writes.yml': undefined,
  });
});
