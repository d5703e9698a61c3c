// SPDX-License-Identifier: Apache-2.0
// The Alertmanagers of one configuration entry: found by discovery, one send loop for each.

import type { HttpClient } from '../base/index.ts';
import type { TargetGroup } from '../discovery/index.ts';
import type { Labels } from '../model/index.ts';
import { labelsFrom, labelsToObject, labelValue, relabel } from '../model/index.ts';
import type { OutgoingAlert } from './alert.ts';
import { relabelled } from './alert.ts';
import type { AlertmanagerSetOptions } from './options.ts';
import type { RequestSigner, Sending, SendLoopContext } from './send-loop.ts';
import { SendLoop } from './send-loop.ts';

const ALERTS_PATH = '/api/v2/alerts';

/** Where alerts go for a target's labels after relabelling. */
const urlOf = (labels: Labels): string =>
  `${labelValue(labels, '__scheme__')}://${labelValue(labels, '__address__')}${labelValue(labels, '__alerts_path__')}`;

function alertsPath(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? ALERTS_PATH : `/${trimmed}${ALERTS_PATH}`;
}

export class AlertmanagerSet {
  private options: AlertmanagerSetOptions;
  private client: HttpClient;
  private sign: RequestSigner | undefined;
  private readonly context: SendLoopContext;
  private groups: readonly TargetGroup[] = [];
  private readonly loops = new Map<string, SendLoop>();
  dropped: readonly string[] = [];

  constructor(
    options: AlertmanagerSetOptions,
    client: HttpClient,
    sign: RequestSigner | undefined,
    context: SendLoopContext,
  ) {
    this.options = options;
    this.client = client;
    this.sign = sign;
    this.context = context;
  }

  get urls(): string[] {
    return [...this.loops.keys()];
  }

  /** Goes on with other options; the Alertmanagers that stay keep their queues. */
  async configure(
    options: AlertmanagerSetOptions,
    client: HttpClient,
    sign: RequestSigner | undefined,
  ): Promise<void> {
    const before = this.client;
    this.options = options;
    this.client = client;
    this.sign = sign;
    await this.update(this.groups);
    await before.close();
  }

  /** Takes what discovery found. */
  async update(groups: readonly TargetGroup[]): Promise<void> {
    this.groups = groups;
    const wanted = new Set<string>();
    const dropped: string[] = [];
    for (const group of groups) {
      for (const target of group.targets) {
        const all = labelsFrom({
          __scheme__: this.options.scheme,
          __alerts_path__: alertsPath(this.options.pathPrefix),
          ...labelsToObject(group.labels),
          ...labelsToObject(target),
        });
        const kept = relabel(all, this.options.relabelRules);
        if (kept === undefined || labelValue(kept, '__address__') === '') dropped.push(urlOf(all));
        else wanted.add(urlOf(kept));
      }
    }
    this.dropped = dropped;
    const gone = [...this.loops].filter(([url]) => !wanted.has(url));
    for (const [url] of gone) this.loops.delete(url);
    for (const url of wanted) {
      if (this.loops.has(url)) continue;
      const sending = (): Sending => ({
        client: this.client,
        timeoutMs: this.options.timeoutMs,
        sign: this.sign,
      });
      this.loops.set(url, new SendLoop(url, sending, this.context));
    }
    await Promise.all(gone.map(([, loop]) => loop.stop(false)));
  }

  send(alerts: readonly OutgoingAlert[]): void {
    const own = alerts.flatMap((alert) => relabelled(alert, this.options.alertRelabelRules) ?? []);
    for (const loop of this.loops.values()) loop.add(own);
  }

  async stop(drain: boolean): Promise<void> {
    await Promise.all([...this.loops.values()].map((loop) => loop.stop(drain)));
    this.loops.clear();
    await this.client.close();
  }
}
