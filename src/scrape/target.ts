// SPDX-License-Identifier: Apache-2.0
// From what discovery found to targets: defaults, relabelling, validation.

import type { TargetGroup } from '../discovery/index.ts';
import {
  compareText,
  formatDuration,
  INSTANCE_LABEL,
  JOB_LABEL,
  type Label,
  type Labels,
  labelsKey,
  labelValue,
  parseDuration,
  quote,
  relabel,
} from '../model/index.ts';
import type { ScrapeOptions } from './options.ts';
import { targetUrl } from './target-url.ts';

const ADDRESS = '__address__';
const SCHEME = '__scheme__';
const PATH = '__metrics_path__';
const INTERVAL = '__scrape_interval__';
const TIMEOUT = '__scrape_timeout__';
const PARAM_PREFIX = '__param_';
const UNIX_SOCKET = '__unix_socket__';

export type TargetHealth = 'unknown' | 'up' | 'down';

/** One endpoint, with what became of its last scrape. */
export class Target {
  /** Identity: targets with the same key are the same. */
  readonly key: string;
  /** As found, before relabelling; the newest finding. */
  discoveredLabels: Labels;
  /** Labels that its samples get. */
  readonly labels: Labels;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Path of the Unix socket to connect to; '' = over the network. */
  readonly socketPath: string;
  /** All labels after relabelling, for the place in the interval. */
  readonly allLabels: Labels;
  health: TargetHealth = 'unknown';
  lastError = '';
  /** Milliseconds since the epoch; undefined before the first scrape. */
  lastScrapeMs: number | undefined;
  lastScrapeDurationSeconds = 0;

  constructor(allLabels: Labels, discoveredLabels: Labels, options: ScrapeOptions) {
    this.allLabels = allLabels;
    this.discoveredLabels = discoveredLabels;
    this.labels = allLabels.filter(({ name }) => !name.startsWith('__'));
    this.url = urlOf(allLabels, options);
    this.intervalMs = parseDuration(labelValue(allLabels, INTERVAL));
    this.timeoutMs = parseDuration(labelValue(allLabels, TIMEOUT));
    this.socketPath = labelValue(allLabels, UNIX_SOCKET);
    this.key = `${labelsKey(allLabels)}\xfe${this.url}`;
  }

  report(startMs: number, durationSeconds: number, error: string): void {
    this.health = error === '' ? 'up' : 'down';
    this.lastError = error;
    this.lastScrapeMs = startMs;
    this.lastScrapeDurationSeconds = durationSeconds;
  }
}

function urlOf(labels: Labels, options: ScrapeOptions): string {
  const params = new Map<string, string[]>();
  for (const [name, values] of Object.entries(options.params)) params.set(name, [...values]);
  for (const { name, value } of labels) {
    if (!name.startsWith(PARAM_PREFIX)) continue;
    const param = name.slice(PARAM_PREFIX.length);
    const values = params.get(param) ?? [];
    values[0] = value;
    params.set(param, values);
  }
  return targetUrl(
    labelValue(labels, SCHEME),
    labelValue(labels, ADDRESS),
    labelValue(labels, PATH),
    params,
  );
}

const toLabels = (map: ReadonlyMap<string, string>): Labels =>
  Array.from(map, ([name, value]): Label => ({ name, value }))
    .filter(({ value }) => value !== '')
    .sort((a, b) => compareText(a.name, b.name));

/** What is known of a target before relabelling. A target's own labels win over its group's. */
function discovered(target: Labels, group: Labels, options: ScrapeOptions): Labels {
  const labels = new Map<string, string>();
  for (const { name, value } of group) labels.set(name, value);
  for (const { name, value } of target) labels.set(name, value);
  const setDefault = (name: string, value: string): void => {
    if ((labels.get(name) ?? '') === '') labels.set(name, value);
  };
  setDefault(JOB_LABEL, options.jobName);
  setDefault(INTERVAL, formatDuration(options.scrapeIntervalMs));
  setDefault(TIMEOUT, formatDuration(options.scrapeTimeoutMs));
  setDefault(PATH, options.metricsPath);
  setDefault(SCHEME, options.scheme);
  setDefault('__scrape_native_histograms__', String(options.scrapeNativeHistograms));
  setDefault('__always_scrape_classic_histograms__', String(options.alwaysScrapeClassicHistograms));
  setDefault(
    '__convert_classic_histograms_to_nhcb__',
    String(options.convertClassicHistogramsToNhcb),
  );
  for (const [name, [first]] of Object.entries(options.params))
    if (first !== undefined) setDefault(PARAM_PREFIX + name, first);
  return toLabels(labels);
}

function duration(labels: Labels, name: string, what: string): number {
  let ms: number;
  try {
    ms = parseDuration(labelValue(labels, name));
  } catch (error) {
    throw new Error(`error parsing ${what}: ${error instanceof Error ? error.message : error}`);
  }
  if (ms === 0) throw new Error(`${what} cannot be 0`);
  return ms;
}

/** @throws Error with upstream's text when the relabelled labels make no target */
function validate(labels: Labels): void {
  const address = labelValue(labels, ADDRESS);
  if (address.includes('/')) throw new Error(`${quote(address)} is not a valid hostname`);
  const scheme = labelValue(labels, SCHEME);
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`invalid scheme: ${quote(scheme)}`);
  const intervalMs = duration(labels, INTERVAL, 'scrape interval');
  const timeoutMs = duration(labels, TIMEOUT, 'scrape timeout');
  if (timeoutMs > intervalMs) {
    const timeout = quote(labelValue(labels, TIMEOUT));
    const interval = quote(labelValue(labels, INTERVAL));
    throw new Error(
      `scrape timeout cannot be greater than scrape interval (${timeout} > ${interval})`,
    );
  }
}

/** What became of one discovered label set. */
export type TargetOutcome =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'dropped'; readonly discoveredLabels: Labels }
  | { readonly kind: 'invalid'; readonly discoveredLabels: Labels; readonly message: string };

/** Makes one target. Never throws for bad labels: they are an outcome. */
export function makeTarget(target: Labels, group: Labels, options: ScrapeOptions): TargetOutcome {
  const found = discovered(target, group, options);
  const relabelled = relabel(found, options.relabelRules);
  if (relabelled === undefined || labelValue(relabelled, ADDRESS) === '')
    return { kind: 'dropped', discoveredLabels: found };
  try {
    validate(relabelled);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'invalid', discoveredLabels: found, message };
  }
  const kept = new Map<string, string>();
  for (const { name, value } of relabelled) {
    if (!name.startsWith('__meta_') && !name.startsWith('__tmp')) kept.set(name, value);
  }
  if ((kept.get(INSTANCE_LABEL) ?? '') === '')
    kept.set(INSTANCE_LABEL, labelValue(relabelled, ADDRESS));
  return { kind: 'target', target: new Target(toLabels(kept), found, options) };
}

/** All outcomes of a group, in its order; messages of invalid ones say where they come from. */
export function makeTargets(group: TargetGroup, options: ScrapeOptions): TargetOutcome[] {
  return group.targets.map((labels, i) => {
    const outcome = makeTarget(labels, group.labels, options);
    if (outcome.kind !== 'invalid') return outcome;
    return { ...outcome, message: `instance ${i} in group ${group.source}: ${outcome.message}` };
  });
}
