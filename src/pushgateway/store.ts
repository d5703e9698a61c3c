// SPDX-License-Identifier: Apache-2.0
// The groups of pushed metrics. Every change becomes a record first, then (with persistence) goes to disk,
// then takes effect: what was answered is never lost, and what failed has changed nothing.

import type { Clock, Timer } from '../base/index.ts';
import { FileError } from '../base/index.ts';
import type { FamilyType, Metric, MetricFamily, NameScheme } from '../model/index.ts';
import { compareText, isValidLabelName, isValidMetricName } from '../model/index.ts';
import type { Faults, PushedFamily } from './consistency.ts';
import { faultsInside, findInconsistency } from './consistency.ts';
import type { BlockKeys } from './family-index.ts';
import { blockKeys, FamilyIndex } from './family-index.ts';
import type { Grouping } from './grouping.ts';
import { groupingOfPairs } from './grouping.ts';
import type { LastPushed, MergeMode } from './merge.ts';
import { MergeError, mergeFamily } from './merge.ts';
import type { PreparedPush } from './prepare.ts';
import type { FamilyToWrite, RecordFamily, RecordHead } from './record.ts';
import { decodeRecord, metricsOf, RecordEncoder, RecordKind } from './record.ts';
import type { SanitizedFamily } from './sanitize.ts';
import { commonPairs, identityOf, sanitizeFamily, sorted, sortKey } from './sanitize.ts';

export const PUSH_TIME = 'push_time_seconds';
export const PUSH_FAILURE_TIME = 'push_failure_time_seconds';
const PUSH_TIME_HELP = 'Last Unix time when changing this group in the Pushgateway succeeded.';
const PUSH_FAILURE_TIME_HELP = 'Last Unix time when changing this group in the Pushgateway failed.';

export const TIMESTAMPS_FAULT = 'pushed metrics must not have timestamps';

/** Pushers of one merged group that are remembered; a push of one more is refused. */
const PUSHERS_MAX = 10_000;
/** Names whose charset is remembered. */
const NAMES_REMEMBERED_MAX = 100_000;
/** A group that could not be removed is tried again after this. */
const EXPIRY_RETRY_MS = 10_000;
/** And after this, when a large push is being written. */
const EXPIRY_BUSY_MS = 100;

export interface Group {
  readonly grouping: Grouping;
  readonly families: Map<string, RecordFamily>;
  /** When the group goes away by itself; 0 = never. */
  expiresMs: number;
  lastPushMs: number;
  lastFailureMs: number;
  readonly pushers: Map<string, LastPushed>;
}

export interface Push {
  readonly grouping: Grouping;
  readonly families: ReadonlyMap<string, MetricFamily>;
  /** PUT: families that are not in the push go away. */
  readonly replace: boolean;
  /** Refuse what contradicts itself or what is there. */
  readonly check: boolean;
  /** Lifetime of the group from now on; 0 = for ever. */
  readonly ttlMs: number;
  readonly merge?: { readonly mode: MergeMode; readonly pusher: string } | undefined;
}

/** Where changes go before they take effect. */
export interface ChangeLog {
  /** @throws FileError */
  append(record: Uint8Array): void;
  /** Two records as one change, alone; `checksum` is the CRC-32C of the first. @throws FileError */
  appendPrepared(record: Uint8Array, checksum: number, second: Uint8Array): Promise<void>;
  /** Settles once what was appended survives a power cut. @throws FileError */
  durable(): Promise<void>;
}

/** What is known of a family's metrics without decoding them. */
interface KnownKeys {
  readonly keys: BlockKeys;
  readonly isLegacy: boolean | undefined;
}

export interface StoreOptions {
  readonly clock: Clock;
  readonly scheme: NameScheme;
  /** Told when an expired group could not be removed; it is tried again. */
  readonly report: (error: Error) => void;
  /** Types of our own metrics. */
  readonly own: () => ReadonlyMap<string, FamilyType>;
}

const gauge = (name: string, help: string, value: number): MetricFamily => ({
  name,
  help,
  type: 'gauge',
  metrics: [{ labels: [], value }],
});

export class PushStore {
  /** By key, in order of creation. */
  readonly groups = new Map<string, Group>();
  readonly families = new Map<string, FamilyIndex>();
  private readonly options: StoreOptions;
  private readonly encoder = new RecordEncoder();
  private readonly legacyNames = new Map<string, boolean>();
  private log: ChangeLog | undefined;
  private changing: Promise<void> | undefined;
  private names: readonly string[] | undefined;
  private expiryTimer: { readonly atMs: number; readonly timer: Timer } | undefined;

  constructor(options: StoreOptions) {
    this.options = options;
  }

  /** From now on changes go to `log` first. */
  persistWith(log: ChangeLog): void {
    this.log = log;
  }

  private append(record: Uint8Array): void {
    this.log?.append(record);
  }

  /** Settles when no large push is on its way to the log: what changes the store waits for it. */
  async settled(): Promise<void> {
    while (this.changing !== undefined) await this.changing.catch(() => undefined);
  }

  /** Settles once all changes made so far survive a power cut, if they are kept at all. @throws FileError */
  async durable(): Promise<void> {
    await this.log?.durable();
  }

  /** Names of all families, sorted. */
  familyNames(): readonly string[] {
    this.names ??= [...this.families.keys()].sort(compareText);
    return this.names;
  }

  /**
   * Does a push. @returns undefined, or what is wrong with it in upstream's words
   * @throws FileError when it could not be persisted; nothing has changed then
   */
  push(push: Push): string | undefined {
    const { grouping } = push;
    const timeMs = this.options.clock.now();
    const common = commonPairs(grouping);
    const pushed = new Map<string, SanitizedFamily>();
    let fault: string | undefined;
    const group = this.groups.get(grouping.key);
    for (const family of push.families.values()) {
      if (family.name === PUSH_TIME || (family.name === PUSH_FAILURE_TIME && group === undefined))
        continue;
      if (family.metrics.some(({ timestampMs }) => timestampMs !== undefined))
        fault = TIMESTAMPS_FAULT;
      else pushed.set(family.name, sanitizeFamily(family, common));
    }
    const raw = [...pushed.values()];
    if (fault === undefined && push.merge !== undefined)
      fault = this.mergeInto(group, pushed, push.merge);
    for (const [name, family] of this.timeFamilies(group, timeMs, common)) pushed.set(name, family);
    fault ??= this.inconsistency(push, group, pushed);
    if (fault !== undefined) {
      this.markFailed(grouping, timeMs);
      return fault;
    }
    this.setFamilies(push, group, pushed, timeMs);
    if (push.merge !== undefined) this.remember(push.merge.pusher, grouping, raw, timeMs);
    return undefined;
  }

  private inconsistency(
    push: Push,
    group: Group | undefined,
    pushed: ReadonlyMap<string, SanitizedFamily>,
  ): string | undefined {
    const { scheme } = this.options;
    if (!push.check) {
      // What cannot be exposed at all is refused all the same.
      const stray = [...pushed.values()].some(({ metrics }) =>
        metrics.some(({ strayKind }) => strayKind !== undefined),
      );
      if (!stray) return undefined;
    }
    const inspected = new Map<string, PushedFamily>();
    for (const [name, family] of pushed) {
      inspected.set(name, {
        name,
        type: family.type,
        first: family.metrics[0],
        inside: () => faultsInside(family, scheme),
        metrics: () => family.metrics,
      });
    }
    return this.contradiction(push, group, inspected);
  }

  private contradiction(
    { grouping, replace }: Pick<Push, 'grouping' | 'replace'>,
    group: Group | undefined,
    pushed: ReadonlyMap<string, PushedFamily>,
  ): string | undefined {
    const { scheme, own } = this.options;
    const view = { families: this.families, own: own(), scheme };
    const vanishing = (name: string): boolean =>
      pushed.has(name) || (replace && name !== PUSH_FAILURE_TIME && group !== undefined);
    return findInconsistency(view, grouping, pushed, vanishing);
  }

  /** What must not be in a push that is prepared elsewhere: the families that we put in. */
  reservedNames(grouping: Grouping): readonly string[] {
    return this.groups.has(grouping.key) ? [PUSH_TIME] : [PUSH_TIME, PUSH_FAILURE_TIME];
  }

  /**
   * Does a push that was prepared elsewhere. Until it settles, nothing else may change; see
   * {@link settled}. Cost: O(families), and the writing of the record.
   * @returns undefined, or what is wrong with it in upstream's words
   * @throws FileError when it could not be persisted; nothing has changed then
   */
  async pushPrepared(
    grouping: Grouping,
    push: PreparedPush,
    check: boolean,
  ): Promise<string | undefined> {
    const { timeMs, replace, expiresMs, record } = push;
    const group = this.groups.get(grouping.key);
    const common = commonPairs(grouping);
    const own = this.timeFamilies(group, timeMs, common);
    let fault: string | undefined;
    if (push.hasTimestamps) fault = TIMESTAMPS_FAULT;
    else if (check || push.families.some(({ hasStray }) => hasStray)) {
      const pushed = new Map<string, PushedFamily>();
      for (const family of push.families) {
        const { name, type, first, inside } = family;
        const metrics = (): readonly Metric[] => metricsOf({ ...family, bytes: record });
        pushed.set(name, { name, type, first, inside: () => inside, metrics });
      }
      const { scheme } = this.options;
      for (const family of own.values()) {
        const { name, type, metrics } = family;
        const inside = (): Faults => faultsInside(family, scheme);
        pushed.set(name, { name, type, first: metrics[0], inside, metrics: () => metrics });
      }
      fault = this.contradiction({ grouping, replace }, group, pushed);
    }
    if (fault !== undefined) {
      this.markFailed(grouping, timeMs);
      return fault;
    }
    const names = new Set(push.families.map(({ name }) => name));
    const added: FamilyToWrite[] = [...own.values()].map((family) => ({ family, timeMs }));
    const failure = group?.families.get(PUSH_FAILURE_TIME);
    if (replace && failure !== undefined && !names.has(PUSH_FAILURE_TIME))
      added.push({ stored: failure });
    const { pairs } = grouping;
    const second = this.encoder.encode({ kind: RecordKind.update, pairs, expiresMs }, added);
    if (this.log !== undefined) {
      this.changing = this.log.appendPrepared(record, push.checksum, second.bytes);
      try {
        await this.changing;
      } finally {
        this.changing = undefined;
      }
    }
    const kind = replace ? RecordKind.replace : RecordKind.update;
    this.applyPrepared(grouping, { kind, pairs, expiresMs }, push);
    this.applyFamilies(grouping, { kind: RecordKind.update, pairs, expiresMs }, second.families);
    return undefined;
  }

  private applyPrepared(grouping: Grouping, head: RecordHead, push: PreparedPush): void {
    const known = new Map(push.families.map((family) => [family.name, family]));
    const families = push.families.map((family) => ({ ...family, bytes: push.record }));
    this.applyFamilies(grouping, head, families, (name) => {
      const family = known.get(name);
      if (family === undefined) return undefined;
      const { firstKey: first, lastKey: last, isLegacy } = family;
      return { keys: { first, last, all: undefined }, isLegacy };
    });
  }

  /** The families that every push brings: its time, and a failure time of 0 where there is none. */
  private timeFamilies(
    group: Group | undefined,
    timeMs: number,
    common: ReturnType<typeof commonPairs>,
  ): Map<string, SanitizedFamily> {
    const succeeded = gauge(PUSH_TIME, PUSH_TIME_HELP, timeMs / 1000);
    const families = new Map([[PUSH_TIME, sanitizeFamily(succeeded, common)]]);
    if (group?.families.has(PUSH_FAILURE_TIME) !== true) {
      const failed = gauge(PUSH_FAILURE_TIME, PUSH_FAILURE_TIME_HELP, 0);
      families.set(PUSH_FAILURE_TIME, sanitizeFamily(failed, common));
    }
    return families;
  }

  /** Replaces the pushed families by what they are together with the group's. */
  private mergeInto(
    group: Group | undefined,
    pushed: Map<string, SanitizedFamily>,
    { mode, pusher }: { readonly mode: MergeMode; readonly pusher: string },
  ): string | undefined {
    const pushers = group?.pushers;
    if (pushers !== undefined && !pushers.has(pusher) && pushers.size >= PUSHERS_MAX)
      return `too many pushers in this group: at most ${PUSHERS_MAX} can be merged`;
    try {
      for (const [name, family] of pushed) {
        const stored = group?.families.get(name);
        const current = stored?.type === family.type ? metricsOf(stored) : [];
        const others: ReadonlyMap<string, Metric>[] = [];
        for (const [other, last] of pushers ?? []) {
          const metrics = other === pusher ? undefined : last.get(name);
          if (metrics !== undefined) others.push(metrics);
        }
        const before = pushers?.get(pusher)?.get(name);
        pushed.set(name, mergeFamily(family, mode, current, before, others));
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof MergeError)) throw error;
      return error.message;
    }
  }

  private setFamilies(
    push: Push,
    group: Group | undefined,
    pushed: ReadonlyMap<string, SanitizedFamily>,
    timeMs: number,
  ): void {
    const families: FamilyToWrite[] = [];
    for (const family of pushed.values()) families.push({ family, timeMs });
    const failure = group?.families.get(PUSH_FAILURE_TIME);
    if (push.replace && failure !== undefined && !pushed.has(PUSH_FAILURE_TIME))
      families.push({ stored: failure });
    const head: RecordHead = {
      kind: push.replace ? RecordKind.replace : RecordKind.update,
      pairs: push.grouping.pairs,
      expiresMs: push.ttlMs > 0 ? timeMs + push.ttlMs : 0,
    };
    const record = this.encoder.encode(head, families);
    this.append(record.bytes);
    this.applyFamilies(push.grouping, head, record.families, (name) => {
      const keys = pushed.get(name)?.keys;
      if (keys === undefined) return undefined;
      // Only where names may be of another charset must each be looked at.
      const isLegacy = this.options.scheme === 'utf8' ? undefined : true;
      return { keys: blockKeys(keys), isLegacy };
    });
  }

  /** Remembers what a pusher pushed, unmerged. */
  private remember(
    pusher: string,
    grouping: Grouping,
    families: readonly SanitizedFamily[],
    timeMs: number,
  ): void {
    const head: RecordHead = { kind: RecordKind.pusher, pairs: grouping.pairs, pusher };
    const record = this.encoder.encode(
      head,
      families.map((family) => ({ family, timeMs })),
    );
    this.append(record.bytes);
    this.applyPusher(grouping, pusher, record.families);
  }

  /** Sets the group's failure time; a group that is new begins with a push time of 0. */
  private markFailed(grouping: Grouping, timeMs: number): void {
    const common = commonPairs(grouping);
    const group = this.groups.get(grouping.key);
    const marks = [gauge(PUSH_FAILURE_TIME, PUSH_FAILURE_TIME_HELP, timeMs / 1000)];
    if (group?.families.has(PUSH_TIME) !== true) marks.push(gauge(PUSH_TIME, PUSH_TIME_HELP, 0));
    const head: RecordHead = {
      kind: RecordKind.update,
      pairs: grouping.pairs,
      expiresMs: group?.expiresMs ?? 0,
    };
    const record = this.encoder.encode(
      head,
      marks.map((family) => ({ family: sanitizeFamily(family, common), timeMs })),
    );
    this.append(record.bytes);
    this.applyFamilies(grouping, head, record.families);
  }

  /** Removes a group, if there is one. @throws FileError */
  delete(grouping: Grouping): void {
    if (!this.groups.has(grouping.key)) return;
    const head: RecordHead = { kind: RecordKind.remove, pairs: grouping.pairs };
    this.append(this.encoder.encode(head).bytes);
    this.applyRemove(grouping.key);
  }

  /** Removes all groups. @throws FileError */
  wipe(): void {
    this.append(this.encoder.encode({ kind: RecordKind.wipe }).bytes);
    this.applyWipe();
  }

  private applyWipe(): void {
    this.groups.clear();
    this.families.clear();
    this.names = undefined;
  }

  private applyRemove(key: string): void {
    const group = this.groups.get(key);
    if (group === undefined) return;
    for (const name of group.families.keys()) this.removeBlock(group.grouping, name);
    this.groups.delete(key);
  }

  private removeBlock(grouping: Grouping, name: string): void {
    const index = this.families.get(name);
    if (index === undefined) return;
    index.delete(grouping);
    if (index.blocks.size > 0) return;
    this.families.delete(name);
    this.names = undefined;
  }

  private groupOf(grouping: Grouping): Group {
    let group = this.groups.get(grouping.key);
    if (group === undefined) {
      group = {
        grouping,
        families: new Map(),
        expiresMs: 0,
        lastPushMs: 0,
        lastFailureMs: 0,
        pushers: new Map(),
      };
      this.groups.set(grouping.key, group);
    }
    return group;
  }

  private applyFamilies(
    grouping: Grouping,
    head: RecordHead,
    families: readonly RecordFamily[],
    knownOf: (name: string) => KnownKeys | undefined = () => undefined,
  ): void {
    const group = this.groupOf(grouping);
    if (head.kind === RecordKind.replace) {
      const kept = new Set(families.map(({ name }) => name));
      for (const name of [...group.families.keys()]) {
        if (kept.has(name)) continue;
        group.families.delete(name);
        this.removeBlock(group.grouping, name);
      }
    }
    for (const family of families) this.setBlock(group, family, knownOf(family.name));
    group.expiresMs = head.expiresMs ?? 0;
    this.expireLater(group.expiresMs);
  }

  private setBlock(group: Group, family: RecordFamily, known: KnownKeys | undefined): void {
    const { name } = family;
    const needsMetrics = known?.isLegacy === undefined;
    const metrics =
      needsMetrics || name === PUSH_TIME || name === PUSH_FAILURE_TIME ? metricsOf(family) : [];
    const keys = known?.keys ?? blockKeys(metrics.map(({ labels }) => sortKey(labels)));
    const isLegacy =
      known?.isLegacy ??
      (isValidMetricName(name, 'legacy') &&
        metrics.every(({ labels }) =>
          labels.every((text, i) => i % 2 === 1 || this.isLegacy(text)),
        ));
    if (name === PUSH_TIME) group.lastPushMs = (metrics[0]?.value ?? 0) * 1000;
    else if (name === PUSH_FAILURE_TIME) group.lastFailureMs = (metrics[0]?.value ?? 0) * 1000;
    group.families.set(name, family);
    let index = this.families.get(name);
    if (index === undefined) {
      index = new FamilyIndex(name);
      this.families.set(name, index);
      this.names = undefined;
    }
    index.set(group.grouping, family, keys, isLegacy);
  }

  private isLegacy(labelName: string): boolean {
    const known = this.legacyNames.get(labelName);
    if (known !== undefined) return known;
    if (this.legacyNames.size >= NAMES_REMEMBERED_MAX) this.legacyNames.clear();
    const legacy = isValidLabelName(labelName, 'legacy');
    this.legacyNames.set(labelName, legacy);
    return legacy;
  }

  private applyPusher(grouping: Grouping, pusher: string, families: readonly RecordFamily[]): void {
    const { pushers } = this.groupOf(grouping);
    const last: LastPushed = pushers.get(pusher) ?? new Map();
    for (const family of families) {
      const metrics = last.get(family.name) ?? new Map<string, Metric>();
      for (const metric of metricsOf(family)) metrics.set(identityOf(metric.labels), metric);
      last.set(family.name, metrics);
    }
    pushers.set(pusher, last);
  }

  /** Does what a record of {@link snapshot} or of the log says. @throws DecodeError */
  replay(bytes: Uint8Array): void {
    const record = decodeRecord(bytes);
    if (record.kind === RecordKind.wipe) {
      this.applyWipe();
      return;
    }
    const grouping = groupingOfPairs(record.pairs);
    if (record.kind === RecordKind.remove) this.applyRemove(grouping.key);
    else if (record.kind === RecordKind.pusher)
      this.applyPusher(grouping, record.pusher, record.families);
    else this.applyFamilies(grouping, record, record.families);
  }

  /** Records that make everything there is; read it in any number of slices. */
  *snapshot(): Generator<readonly Uint8Array[]> {
    for (const { grouping, families, expiresMs, pushers } of this.groups.values()) {
      const { pairs } = grouping;
      yield this.encoder.pieces({ kind: RecordKind.replace, pairs, expiresMs }, [
        ...families.values(),
      ]);
      for (const [pusher, last] of pushers) {
        const rest: FamilyToWrite[] = [];
        for (const [name, byLabels] of last) {
          const like = families.get(name);
          if (like === undefined) continue;
          const { help, type, unit, timeMs } = like;
          const metrics = [...byLabels.values()];
          const keys = metrics.map(({ labels }) => sortKey(labels));
          rest.push({ family: { name, help, type, unit, ...sorted(metrics, keys) }, timeMs });
        }
        yield [this.encoder.encode({ kind: RecordKind.pusher, pairs, pusher }, rest).bytes];
      }
    }
  }

  private expireLater(atMs: number): void {
    if (atMs === 0) return;
    if (this.expiryTimer !== undefined && this.expiryTimer.atMs <= atMs) return;
    this.expiryTimer?.timer.cancel();
    const { clock } = this.options;
    const timer = clock.setTimer(Math.max(0, atMs - clock.now()), () => this.expire());
    this.expiryTimer = { atMs, timer };
  }

  /** Removes the groups whose time has come. Cost: O(groups), when one of them expires. */
  private expire(): void {
    this.expiryTimer = undefined;
    const now = this.options.clock.now();
    if (this.changing !== undefined) {
      this.expireLater(now + EXPIRY_BUSY_MS);
      return;
    }
    let next = 0;
    for (const { grouping, expiresMs } of [...this.groups.values()]) {
      if (expiresMs === 0) continue;
      let dueMs = expiresMs;
      if (dueMs <= now) dueMs = this.tryDelete(grouping) ? 0 : now + EXPIRY_RETRY_MS;
      if (dueMs > 0 && (next === 0 || dueMs < next)) next = dueMs;
    }
    this.expireLater(next);
  }

  private tryDelete(grouping: Grouping): boolean {
    try {
      this.delete(grouping);
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.options.report(error);
      return false;
    }
  }

  /** Ends the timer of expiring groups. */
  close(): void {
    this.expiryTimer?.timer.cancel();
    this.expiryTimer = undefined;
  }
}
