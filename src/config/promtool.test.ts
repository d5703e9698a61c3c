// SPDX-License-Identifier: Apache-2.0
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configuration texts look like that
// The real `promtool check config` and ours agree about these files.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { peerPath } from '../../test/peers.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import { ConfigError, parseConfig } from './index.ts';

const jobs = (...lines: string[]): string =>
  ['scrape_configs:', '- job_name: j', ...lines.map((line) => `  ${line}`)].join('\n');

/** Whole files; those that use what came after the installed promtool's version are not here. */
const texts: readonly string[] = [
  '',
  'global:',
  'global: {}',
  'global: []',
  'globl: {}',
  'global: {scrape_interval: 0}',
  'global: {scrape_interval: 1h30m}',
  'global: {scrape_interval: 30m1h}',
  'global: {scrape_interval: "5"}',
  'global: {scrape_interval: 5}',
  'global: {scrape_interval: -5s}',
  'global: {scrape_interval: 5s, scrape_timeout: 6s}',
  'global: {external_labels: {a: 1, b: true, c: 1.50, d: null}}',
  'global: {external_labels: [a]}',
  'global: {scrape_interval: 5s}\nglobal: {}',
  'scrape_configs: x',
  'scrape_configs: []',
  'scrape_configs:\n-',
  'scrape_configs:\n- honor_labels: true',
  'scrape_configs:\n- job_name: 5',
  'scrape_configs:\n- job_name: a\n- job_name: a',
  'scrape_configs:\n- job_name: a\n  job_name: b',
  'scrape_configs:\n- &a {job_name: a, sample_limit: 5}\n- <<: *a\n  job_name: b',
  jobs('honor_labels: yes'),
  jobs('honor_labels: On'),
  jobs('honor_labels: "true"'),
  jobs('honor_labels: 1'),
  jobs('honor_labels:'),
  jobs('sample_limit: 0x10'),
  jobs('sample_limit: 010'),
  jobs('sample_limit: -1'),
  jobs('sample_limit: 1.5'),
  jobs('sample_limit: "5"'),
  jobs('sample_limit: 1e3'),
  jobs('sample_limit: x'),
  jobs('body_size_limit: 10MB'),
  jobs('body_size_limit: 10MiB'),
  jobs('body_size_limit: 1.5GB'),
  jobs('body_size_limit: 10'),
  jobs('body_size_limit: 10XB'),
  jobs('scrape_timeout: 2m'),
  jobs('metrics_path: 5'),
  jobs('params: {a: [b, 1]}'),
  jobs('params: {a: b}'),
  jobs('params: [a]'),
  jobs('basic_auth: {username: a, password: b}'),
  jobs('basic_auth: {username: a, password: b, password_file: c}'),
  jobs('basic_auth: {user: a}'),
  jobs('basic_auth: {}', 'authorization: {credentials: x}'),
  jobs('authorization: {type: basic}'),
  jobs('authorization: {credentials: a, credentials_file: b}'),
  jobs('bearer_token: a'),
  jobs('bearer_token: a', 'bearer_token_file: b'),
  jobs('bearer_token: a', 'authorization: {credentials: x}'),
  jobs('oauth2: {client_id: a, client_secret: b, token_url: "http://x"}'),
  jobs('oauth2: {client_secret: b, token_url: "http://x"}'),
  jobs('oauth2: {client_id: a, client_secret: b}'),
  jobs('tls_config: {insecure_skip_verify: true, min_version: TLS12}'),
  jobs('tls_config: {min_version: TLS14}'),
  jobs('tls_config: {insecure: true}'),
  jobs('proxy_url: "http://a:1"'),
  jobs('proxy_url: "http://a b"'),
  jobs('follow_redirects: false', 'enable_http2: false'),
  jobs('static_configs: [{targets: ["a:1", "b"], labels: {x: y}}]'),
  jobs('static_configs: [{targets: ["http://a"]}]'),
  jobs('static_configs: [{target: ["a"]}]'),
  jobs('static_configs: [null]'),
  jobs('static_configs: {targets: [a]}'),
  jobs('static_configs: [{targets: a}]'),
  jobs('file_sd_configs: [{files: ["a.json", "b/*.yml"]}]'),
  jobs('file_sd_configs: [{files: ["a/*/b.json"]}]'),
  jobs('file_sd_configs: [{files: ["a.txt"]}]'),
  jobs('file_sd_configs: [{}]'),
  jobs('http_sd_configs: [{url: "http://a/b"}]'),
  jobs('http_sd_configs: [{url: "ftp://a/b"}]'),
  jobs('http_sd_configs: [{url: "http:///x"}]'),
  jobs('http_sd_configs: [{}]'),
  jobs('http_sd_configs: [{url: "http://a", refresh_interval: x}]'),
  jobs('relabel_configs: [{}]'),
  jobs('relabel_configs: [{source_labels: [a], target_label: b}]'),
  jobs('relabel_configs: [{source_labels: a, target_label: b}]'),
  jobs('relabel_configs: [{regex: "[", target_label: b}]'),
  jobs('relabel_configs: [{regex: "(?=a)", target_label: b}]'),
  jobs('relabel_configs: [{regex: "a{2000}", target_label: b}]'),
  jobs('relabel_configs: [{regex: 5, target_label: b}]'),
  jobs('relabel_configs: [{regex: , target_label: b}]'),
  jobs('relabel_configs: [{regex: "a)(b", target_label: b}]'),
  jobs('relabel_configs: [{action: Keep, source_labels: [a], regex: x}]'),
  jobs('relabel_configs: [{action: nope}]'),
  jobs('relabel_configs: [{action: hashmod, target_label: x}]'),
  jobs('relabel_configs: [{action: hashmod, target_label: x, modulus: 8}]'),
  jobs('relabel_configs: [{action: labelmap, regex: "a(.*)"}]'),
  jobs('relabel_configs: [{action: labeldrop, regex: "a", source_labels: [b]}]'),
  jobs('relabel_configs: [{action: lowercase, source_labels: [b]}]'),
  jobs('relabel_configs: [{action: keepequal, source_labels: [b], target_label: c}]'),
  jobs('relabel_configs: [{action: keepequal, source_labels: [b], target_label: c, regex: x}]'),
  jobs('metric_relabel_configs: [{target_label: "${1}x"}]'),
  jobs('metric_relabel_configs: [null]'),
  jobs('unknown_sd_configs: []'),
  'global: {',
  'a: b: c',
  '\tglobal: {}',
  'rule_files: ["a/*/b"]',
];

const promtool = peerPath('promtool');

/** Whether promtool accepts each of the files. */
function verdicts(paths: readonly string[]): boolean[] {
  // `--syntax-only` leaves out whether the files that are named exist.
  const command = '"$0" check config --syntax-only "$@" 2>&1';
  const { stdout } = spawnSync('sh', ['-c', command, promtool ?? '', ...paths]);
  const reports = stdout
    .toString()
    .split(/^Checking /m)
    .slice(1);
  return paths.map((path) => {
    const report = reports.find((text) => text.startsWith(`${path}\n`)) ?? '';
    if (report.includes('SUCCESS:') === report.includes('FAILED:'))
      throw new Error(`promtool says nothing about ${path}: ${report}`);
    return report.includes('SUCCESS:');
  });
}

function ourErrors(text: string, path: string): string | undefined {
  try {
    parseConfig(text, { fileName: path, files: createNodeFileSystem(), environment: {} });
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test.skipIf(!promtool)('verdicts agree with the real promtool', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-config-'));
  try {
    const paths = texts.map((text, i) => {
      const path = join(folder, `${i}.yml`);
      writeFileSync(path, text);
      return path;
    });
    const theirs = verdicts(paths);
    const differing = texts.flatMap((text, i) => {
      const ours = ourErrors(text, paths[i] ?? '');
      return theirs[i] === (ours === undefined) ? [] : [`${text}\nours: ${ours}`];
    });
    expect(differing).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
