// SPDX-License-Identifier: Apache-2.0
// `promtool check` and `promtool test rules` on upstream's own files, beside the real program.
//
// Upstream's YAML reader reports unknown keys in its own words; ours names file, line and column. The
// packaged real program is 2.42 and does not know every key of 3.14.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conformanceFolder } from '../conformance.ts';
import { built, entry } from '../e2e/program.ts';
import { peerPath } from '../peers.ts';

const found = conformanceFolder('promtool');
const real = peerPath('promtool');

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

function run(command: string, args: readonly string[]): Outcome {
  const done = spawnSync(command, args, { cwd: found, encoding: 'utf8' });
  return { code: done.status, text: done.stdout + done.stderr };
}
const ours = (...args: string[]): Outcome =>
  run(process.execPath, [resolve(entry), 'promtool', ...args]);

describe.runIf(built && found !== undefined)('promtool', () => {
  const same = (...args: string[]): void =>
    test.skipIf(real === undefined)(`${args.join(' ')}: as the real one`, () => {
      expect(ours(...args)).toEqual(run(real ?? '', args));
    });
  same('check', 'rules', 'rules.yml');
  same('check', 'rules', 'prometheus-rules.lint.yml');
  same('check', 'rules', 'rules_duplicates.yml', 'rules.yml', '--lint-fatal');
  same('check', 'rules', 'bad-rules-syntax.yml');
  same('check', 'rules', 'rules_large.yml');
  same('check', 'config', 'prometheus-config.good.yml');
  same('check', 'config', 'prometheus-config.lint.yml', '--lint-fatal');
  same('check', 'config', 'config_with_service_discovery_files.yml');
  same('check', 'config', 'url_in_scrape_targetgroup_with_relabel_config.bad.yml');
  same('check', 'config', 'url_in_alert_targetgroup_with_relabel_config.bad.yml');
  same('check', 'config', 'url_in_scrape_targetgroup_with_relabel_config.good.yml');
  same('check', 'config', 'authorization_credentials_file.bad.yml');
  same('test', 'rules', 'failing.yml');
  same('test', 'rules', 'long-period.yml', 'at-modifier-test.yml', 'negative-offset-test.yml');
  same('test', 'rules', 'rules_run.yml');

  const gives = (code: number, text: string, ...args: string[]): void =>
    test(`${args.join(' ')} gives ${code}`, () => {
      const outcome = ours(...args);
      expect(outcome.text).toContain(text);
      expect(outcome.code).toBe(code);
    });
  gives(0, 'SUCCESS', 'test', 'rules', 'unittest.yml');
  gives(0, 'SUCCESS', 'test', 'rules', 'start-time-test.yml');
  gives(0, 'SUCCESS', 'test', 'rules', 'rules_run_fuzzy.yml', '--run=correct');
  gives(
    1,
    'got: {__name__="test_low"} 2.9999999999999987E+00',
    'test',
    'rules',
    'rules_run_fuzzy.yml',
  );
  gives(1, '2.9999999999999996E+00', 'test', 'rules', 'rules_run_no_fuzzy.yml', '--run=correct');
  gives(
    1,
    'rules_extrafields.yml: 7:5: groups[0].namespace: unknown key',
    'test',
    'rules',
    'rules_run_extrafields.yml',
  );
  gives(0, 'SUCCESS', 'test', 'rules', '--ignore-unknown-fields', 'rules_run_extrafields.yml');
  gives(1, 'many-to-many matching not allowed', 'test', 'rules', 'bad-promql.yml');
  gives(
    1,
    'rule: joined, time: 0s, err: found duplicate series',
    'test',
    'rules',
    'bad-rules-error-test.yml',
  );
  gives(
    1,
    'could not parse expression: 1:7: parse error: unexpected end of input',
    'test',
    'rules',
    'bad-rules-syntax-test.yml',
  );
  gives(1, 'unexpected', 'test', 'rules', 'bad-input-series.yml');
  gives(
    1,
    'rules-bad.yml: 12:11: group "alerts", rule 1, "InstanceDown": annotation "summary": template: __alert_InstanceDown:1: undefined variable "$label"',
    'check',
    'rules',
    'rules-bad.yml',
  );
  gives(1, '1:1: not-prometheus: unknown key', 'check', 'config', 'prometheus-config.bad.yml');
  gives(1, 'does not point to an existing file', 'check', 'config', 'config_with_rule_files.yml');
  gives(1, 'error checking client cert file', 'check', 'config', 'config_with_tls_files.yml');
  gives(
    3,
    'too long scrape interval',
    'check',
    'config',
    '--lint=too-long-scrape-interval',
    '--lint-fatal',
    'prometheus-config.lint.too_long_scrape_interval.yml',
  );
});
