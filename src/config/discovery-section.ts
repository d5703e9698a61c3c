// SPDX-License-Identifier: Apache-2.0
// `static_configs` and the `*_sd_configs` of a job.

import {
  defaultFileSdRefreshIntervalMs,
  defaultHttpSdRefreshIntervalMs,
  type FileSdOptions,
  type HttpSdOptions,
  type SdConfigs,
  type StaticConfig,
} from '../discovery/index.ts';
import { isValidLabelName, type Labels, labelsFrom, quote } from '../model/index.ts';
import { readHttpClient, readUrl } from './http-section.ts';
import { resolvePath } from './paths.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** Mechanisms of upstream that are not built yet: accepted, kept and reported. */
const laterMechanisms: readonly string[] = [
  ...['aws', 'azure', 'consul', 'digitalocean', 'dns', 'docker', 'dockerswarm', 'ec2', 'ecs'],
  ...['elasticache', 'eureka', 'gce', 'hetzner', 'ionos', 'kubernetes', 'kuma', 'lightsail'],
  ...['linode', 'marathon', 'msk', 'nerve', 'nomad', 'oci', 'openstack', 'outscale', 'ovhcloud'],
  ...['puppetdb', 'rds', 'scaleway', 'serverset', 'stackit', 'triton', 'uyuni', 'vultr'],
];

/** What a job says about finding its targets. */
export interface DiscoverySection extends SdConfigs {
  /** Sections that are only kept, by key. */
  readonly later: Readonly<Record<string, unknown>>;
}

/** A part of the configuration that this version does not act on. */
export interface NotYetSupported {
  readonly file: string;
  readonly path: string;
  readonly line: number;
}

/** Labels from a mapping; the names must be valid. */
export function readLabels(value: YamlValue | undefined): Labels {
  const pairs = value?.textEntries() ?? [];
  for (const [name] of pairs) {
    if (!isValidLabelName(name, 'utf8')) value?.fail(`${quote(name)} is not a valid label name`);
  }
  return labelsFrom(pairs);
}

function readStatic(value: YamlValue, allowsPaths: boolean): StaticConfig {
  const mapping = new YamlMapping(value);
  const targets: string[] = [];
  for (const item of mapping.get('targets')?.items() ?? []) {
    const target = item.text();
    if (target === undefined) continue;
    // A job without relabelling can do nothing with a URL.
    if (target.includes('/') && !allowsPaths) item.fail(`${quote(target)} is not a valid hostname`);
    targets.push(target);
  }
  const labels = readLabels(mapping.get('labels'));
  mapping.finish();
  return { targets, labels };
}

const filePattern = /^[^*]*(?:\*[^/]*)?\.(?:json|yml|yaml|JSON|YML|YAML)$/;

function readFileSd(value: YamlValue, directory: string): FileSdOptions {
  const mapping = new YamlMapping(value);
  const items = mapping.get('files')?.items() ?? [];
  if (items.length === 0)
    mapping.fail('file service discovery config must contain at least one path name');
  const files: string[] = [];
  for (const item of items) {
    const file = item.text();
    if (file === undefined) continue;
    if (!filePattern.test(file))
      item.fail(`path name ${quote(file)} is not valid for file discovery`);
    files.push(resolvePath(directory, file));
  }
  const refreshIntervalMs = mapping.duration('refresh_interval') ?? defaultFileSdRefreshIntervalMs;
  mapping.finish();
  return { files, refreshIntervalMs };
}

function readHttpSd(value: YamlValue, directory: string): HttpSdOptions {
  const mapping = new YamlMapping(value);
  const urlValue = mapping.get('url');
  const text = urlValue?.text() ?? '';
  if (!urlValue || text === '') mapping.fail('URL is missing');
  else if (!/^https?:/i.test(text)) urlValue.fail("URL scheme must be 'http' or 'https'");
  else if (!/^https?:\/\/[^/?#]/i.test(text)) urlValue.fail('host is missing in URL');
  else readUrl(urlValue);
  const refreshIntervalMs = mapping.duration('refresh_interval') ?? defaultHttpSdRefreshIntervalMs;
  const httpClient = readHttpClient(mapping, directory);
  mapping.finish();
  return { url: text, refreshIntervalMs, httpClient };
}

/**
 * Reads all discovery keys of a job.
 *
 * @param allowsPaths static targets may contain slashes, because the job relabels
 * @param notYetSupported told of every mechanism that is only kept
 */
export function readDiscovery(
  mapping: YamlMapping,
  directory: string,
  allowsPaths: boolean,
  notYetSupported: NotYetSupported[],
): DiscoverySection {
  const items = (key: string): readonly YamlValue[] =>
    mapping.items(key, `empty or null section in ${key}`);
  const later: Record<string, unknown> = {};
  for (const mechanism of laterMechanisms) {
    const key = `${mechanism}_sd_configs`;
    const value = mapping.get(key);
    if (!value) continue;
    items(key);
    later[key] = value.toPlain();
    notYetSupported.push({ file: value.file.name, path: value.path, line: value.line });
  }
  return {
    staticConfigs: items('static_configs').map((item) => readStatic(item, allowsPaths)),
    fileSdConfigs: items('file_sd_configs').map((item) => readFileSd(item, directory)),
    httpSdConfigs: items('http_sd_configs').map((item) => readHttpSd(item, directory)),
    later,
  };
}
