// SPDX-License-Identifier: Apache-2.0
// The real server shows a configuration as ours does, apart from keys that came after its version.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, peerPath, startPeer, waitForUrl } from '../../test/peers.ts';
import { createNodeFileSystem } from '../platform/index.ts';
import { marshalConfig, parseConfig } from './index.ts';

const text = `
global:
  scrape_interval: 15s
  external_labels: {monitor: codelab, foo: bar, number: 1, word: "yes"}
scrape_configs:
- job_name: one
  honor_labels: true
  params: {module: [http_2xx], 'match[]': ['{__name__=~"a.+"}', '1', "yes", "2e3", "0x1f"]}
  body_size_limit: 15MB
  sample_limit: 1000
  static_configs:
  - targets: ["localhost:1", "localhost:2", "1.2.3.4"]
    labels: {my: label, your: "8080", odd: "a: b # c", lines: "x\\ny", quote: "it's", star: "*"}
  - targets: [b]
  file_sd_configs:
  - files: [sd/*.json]
  - files: [/sd/a.yml]
    refresh_interval: 90s
  http_sd_configs:
  - url: http://127.0.0.1:1/x?y=1
    basic_auth: {username: u, password: p}
  relabel_configs:
  - source_labels: [job, __meta_dns_name]
    regex: (.*)some-[regex]
    target_label: job
    replacement: foo-\${1}
  - source_labels: [__address__]
    modulus: 8
    target_label: __tmp_hash
    action: hashmod
  - {source_labels: [__tmp_hash], regex: 1, action: keep}
  - {action: labeldrop, regex: d}
  - {action: LabelMap, regex: (.*), replacement: "x_$1"}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: expensive.*, action: drop}
- job_name: two
  basic_auth: {username: admin, password_file: pw}
  tls_config: {ca_file: ca.pem, server_name: x}
  follow_redirects: false
  scrape_timeout: 5s
- job_name: "0123"
  authorization: {credentials: abc}
  scheme: https
  metrics_path: /m
  tls_config: {insecure_skip_verify: true}
- job_name: 'true'
  bearer_token_file: token
`;

/** Keys that the installed version does not know or does not show. */
const newer =
  /^ *(?:scrape_native_histograms|always_scrape_classic_histograms|convert_classic_histograms_to_nhcb|extra_scrape_metrics|enable_compression|track_timestamps_staleness|metric_name_(?:validation|escaping)_scheme|scrape_protocols):|^ +- (?:OpenMetricsText|PrometheusText)[0-9.]+$/;

/** Without newer keys and the sections `runtime` and `otlp`. */
function comparable(yaml: string): string[] {
  const lines = yaml
    .trimEnd()
    .split('\n')
    .filter((line) => !newer.test(line));
  const kept: string[] = [];
  let inNewSection = false;
  for (const line of lines) {
    if (/^\w/.test(line)) inNewSection = /^(?:runtime|otlp):/.test(line);
    if (!inNewSection) kept.push(line);
  }
  return kept;
}

const prometheus = peerPath('prometheus');

test.skipIf(!prometheus)('status/config reads as the real server’s', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-config-'));
  const path = join(folder, 'prometheus.yml');
  mkdirSync(join(folder, 'sd'));
  for (const name of ['ca.pem', 'pw', 'token']) writeFileSync(join(folder, name), '');
  writeFileSync(path, text);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const args = [`--config.file=${path}`, `--storage.tsdb.path=${join(folder, 'data')}`];
  const peer = startPeer(prometheus ?? '', [...args, `--web.listen-address=127.0.0.1:${port}`]);
  try {
    await waitForUrl(`${base}/-/ready`, peer);
    const answer = await (await fetch(`${base}/api/v1/status/config`)).json();
    const theirs = (answer as { data: { yaml: string } }).data.yaml;
    const ours = marshalConfig(
      parseConfig(text, { fileName: path, files: createNodeFileSystem(), environment: {} }),
    );
    expect(comparable(ours)).toEqual(comparable(theirs));
  } finally {
    await peer.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
