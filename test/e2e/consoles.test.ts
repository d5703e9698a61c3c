// SPDX-License-Identifier: Apache-2.0
// Debian's example consoles: what we make of them is what the real server makes of them.

import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { peerPath } from '../peers.ts';
import { ApiClient, built, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const realPath = peerPath('prometheus');
const examples = '/usr/share/doc/prometheus/examples';

/** Counters that stand still: rates are 0 whenever they are asked for. */
const exposition = `
node_cpu_seconds_total{cpu="0",mode="idle"} 1000
node_cpu_seconds_total{cpu="0",mode="user"} 10
node_memory_MemFree_bytes 123456789
node_memory_Cached_bytes 5e8
node_memory_Buffers_bytes 1e7
node_memory_MemTotal_bytes 8e9
node_load1 0.25
node_procs_running 3
node_procs_blocked 0
node_forks_total 77
node_intr_total 99
node_network_receive_bytes_total{device="eth0"} 1e6
node_filesystem_avail_bytes{mountpoint="/",device="/dev/<a>&b"} 1e9
node_filesystem_size_bytes{mountpoint="/",device="/dev/<a>&b"} 3e9
node_disk_io_time_seconds_total{device="sda"} 12
process_cpu_seconds_total 12
process_resident_memory_bytes 123456789
prometheus_tsdb_head_samples_appended_total{type="float"} 1
`;

/** Pages of ours: places for values that the examples do not have, and mistakes. */
const pages: Readonly<Record<string, string>> = {
  'places.html': `<title>{{ .Params.v }}</title><style>p { color: {{ .Params.c }} }</style>
<script>// it's\nvar a = {{ .Params.v }}, b = '{{ .Params.v }}', c = {{ 1.5 }}, d = {{ .RawParams }}, e = /'/g;</script>
<p onclick="f({{ .Params.v }}, '{{ .Params.v }}')" class={{ .Params.v }} {{ .Params.c }}="y" style="color: {{ .Params.c }}">
<a href="{{ .Params.u }}">1</a><a href="/x?{{ .Params.v }}={{ .Params.u }}#{{ .Params.v }}">2</a>
<textarea>{{ .Params.v }} < {{ safeHtml "<i>" }}</textarea>1 < 2<!-- {{ .Params.v }} -->
{{ .RawParams }} {{ .RawParams.Get "v" }} {{ .ExternalLabels }} {{ $path }} {{ .Params.none }}|`,
  'plain.txt': '{{ 1 }} {{ pathPrefix }}',
  'no-template.html': '{{ template "nope" . }}',
  'no-function.html': 'a\n{{ nope }}',
  'bad-query.html': '{{ query "up{" }}',
  'bad-regexp.html': '{{ reReplaceAll "(" "x" "y" }}',
  'no-field.html': '{{ define "x" }}{{ .Foo }}{{ end }}{{ tmpl "x" .Path }}',
};

const asked = [
  'index.html.example',
  'node.html',
  'node-overview.html',
  'node-cpu.html',
  'node-disk.html',
  'prometheus.html',
  'prometheus-overview.html',
  ...Object.keys(pages),
  'absent.html',
  '',
];

const parameters = new URLSearchParams({
  v: '<script>\'"&+ x`\\/%€\n;',
  c: 'Red',
  u: "https://h/a b?x=1&y='(2)%zz%41",
});

interface Page {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

describe.runIf(built && realPath !== undefined && existsSync(examples))('consoles', () => {
  test('as the real server shows them', async () => {
    const directory = stage.directory();
    const target = createServer((_, reply) => {
      reply.setHeader('content-type', 'text/plain; version=0.0.4');
      reply.end(exposition);
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const instance = `127.0.0.1:${(target.address() as AddressInfo).port}`;
    cpSync(join(examples, 'consoles'), join(directory, 'consoles'), { recursive: true });
    cpSync(join(examples, 'console_libraries'), join(directory, 'libs'), { recursive: true });
    for (const [name, text] of Object.entries(pages))
      writeFileSync(join(directory, 'consoles', name), text);
    const job = (name: string): string =>
      `- {job_name: ${name}, static_configs: [{targets: ["${instance}"]}]}\n`;
    writeFileSync(
      join(directory, 'p.yml'),
      `global: {scrape_interval: 200ms, external_labels: {region: "eu<1>"}}\nscrape_configs:\n${job('node')}${job('prometheus')}`,
    );
    const flags = (address: string, data: string): string[] => [
      `--config.file=${join(directory, 'p.yml')}`,
      `--storage.tsdb.path=${join(directory, data)}`,
      `--web.listen-address=${address}`,
      `--web.console.templates=${join(directory, 'consoles')}`,
      `--web.console.libraries=${join(directory, 'libs')}`,
      '--web.external-url=http://mon.example/p',
      '--web.route-prefix=/',
    ];
    try {
      const real = `127.0.0.1:${await freePort()}`;
      const ours = `127.0.0.1:${await freePort()}`;
      stage.run(realPath ?? '', flags(real, 'real'));
      stage.hearth(['server', ...flags(ours, 'ours')]);
      for (const address of [real, ours]) {
        const api = new ApiClient(`http://${address}`);
        await api.ready();
        await api.result('count(count_over_time(node_load1[1m]) > 3) == 2');
      }
      const read = async (address: string, name: string): Promise<Page> => {
        const response = await fetch(
          `http://${address}/consoles/${name}?instance=${instance}&${parameters}`,
        );
        const { status, headers } = response;
        return { status, type: headers.get('content-type'), body: await response.text() };
      };
      for (const name of asked)
        expect(await read(ours, name), name).toEqual(await read(real, name));
      const page = await read(ours, 'node-cpu.html');
      expect(page.body).toContain(`Node CPU - ${instance}`);
    } finally {
      target.close();
    }
  });
});
