// SPDX-License-Identifier: Apache-2.0
// All rule groups of a server, and what happens to them when the files are read again.

import type { RuleContext } from './group.ts';
import { RuleGroup } from './group.ts';
import { forgetGroup } from './metrics.ts';
import type { RuleGroupOptions } from './options.ts';
import { groupKey } from './options.ts';

/** Intervals after which the series of a removed group end. */
const REMOVED_GROUP_INTERVALS = 2;

export class RuleManager {
  private readonly context: RuleContext;
  private running = new Map<string, RuleGroup>();
  /** Whether the first set of groups has been loaded: only those restore what was before a start. */
  private loaded = false;
  private stopped = false;

  constructor(context: RuleContext) {
    this.context = context;
  }

  /** In the order of files and of groups in them. */
  get groups(): readonly RuleGroup[] {
    return [...this.running.values()];
  }

  /**
   * Runs these groups from now on. Groups that did not change go on undisturbed; changed ones keep the
   * state of the rules that they still have.
   */
  async update(
    options: readonly RuleGroupOptions[],
    externalLabels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const restore = !this.loaded;
    this.loaded = true;
    const before = this.running;
    const next = new Map<string, RuleGroup>();
    const started: RuleGroup[] = [];
    for (const each of options) {
      const key = groupKey(each);
      const older = before.get(key);
      before.delete(key);
      if (older?.equals(each, externalLabels)) {
        next.set(key, older);
        continue;
      }
      if (older !== undefined) await older.stop();
      const group = new RuleGroup(each, this.context, { externalLabels, restore });
      if (older !== undefined) group.copyState(older);
      next.set(key, group);
      started.push(group);
    }
    this.running = next;
    if (this.stopped) return;
    for (const group of started) group.start();
    for (const gone of before.values()) await this.retire(gone);
  }

  private async retire(group: RuleGroup): Promise<void> {
    const { clock, metrics } = this.context;
    await group.stop();
    forgetGroup(metrics, group.key);
    clock.setTimer(REMOVED_GROUP_INTERVALS * group.options.intervalMs, () => {
      // It may have come back meanwhile, and then its series go on.
      if (!this.stopped && !this.running.has(group.key)) group.markStale(clock.now());
    });
  }

  /** Ends all groups; resolves when nothing is being evaluated any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.groups.map((group) => group.stop()));
  }
}
