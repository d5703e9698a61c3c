// SPDX-License-Identifier: Apache-2.0
// All silences: made, changed, ended, kept for a while, forgotten. Entries merge by their time of update,
// so that those of another instance can be taken in.

import type { Clock } from '../../base/index.ts';
import {
  CompiledMatchers,
  compileRegexp,
  isValidLabelName,
  type Matcher,
} from '../../model/index.ts';
import type { SnapshotFile } from '../snapshot-file.ts';
import type { Silence } from './silence.ts';
import { silenceState } from './silence.ts';
import { decodeSilence, encodeSilence, silenceBytes } from './silence-message.ts';

/** A silence that cannot be made; the message is upstream's. */
export class SilenceError extends Error {
  override name = 'SilenceError';
}

/** No silence has that id. */
export class SilenceNotFoundError extends Error {
  override name = 'SilenceNotFoundError';
}

export interface SilencesOptions {
  readonly clock: Clock;
  /** How long ended silences are kept. */
  readonly retentionMs: number;
  /** 0 = any number. */
  readonly countMax: number;
  /** 0 = any size. */
  readonly sizeMaxBytes: number;
  readonly newId: () => string;
  /** Told of every silence that is made, changed or ended here. */
  readonly onChange?: (silence: Silence) => void;
  /** Where they survive; undefined: nowhere. */
  readonly file: SnapshotFile | undefined;
}

interface Entry {
  readonly silence: Silence;
  readonly expiresAtMs: number;
  /** Any of them. */
  readonly matcherSets: readonly CompiledMatchers[];
}

const compiled = ({ matchers, moreMatcherSets = [] }: Silence): CompiledMatchers[] =>
  [matchers, ...moreMatcherSets].map((set) => new CompiledMatchers(set));

export class Silences {
  private readonly options: SilencesOptions;
  private readonly entries = new Map<string, Entry>();
  /** Grows with every change: what was computed before it may be wrong. */
  version = 0;

  /** Loads what the file holds. @throws SnapshotError, DecodeError */
  constructor(options: SilencesOptions) {
    this.options = options;
    for (const message of options.file?.load() ?? []) {
      const { silence, expiresAtMs } = decodeSilence(message);
      this.merge(silence, expiresAtMs);
    }
  }

  /** Takes an entry in when it is newer than ours. @returns whether it was */
  merge(silence: Silence, expiresAtMs: number): boolean {
    if (expiresAtMs <= this.options.clock.now()) return false;
    const known = this.entries.get(silence.id);
    if (known !== undefined && known.silence.updatedAtMs >= silence.updatedAtMs) return false;
    this.entries.set(silence.id, { silence, expiresAtMs, matcherSets: compiled(silence) });
    this.version++;
    return true;
  }

  /**
   * Stores one: in the journal before anybody sees it. What replaces another is newer than it, whatever
   * the clock says, or the older one would come back with the journal.
   * @throws FileError
   */
  private store(wanted: Silence): void {
    const before = this.entries.get(wanted.id)?.silence.updatedAtMs ?? 0;
    const silence = { ...wanted, updatedAtMs: Math.max(wanted.updatedAtMs, before + 1) };
    const expiresAtMs = silence.endsAtMs + this.options.retentionMs;
    const matcherSets = compiled(silence);
    this.options.file?.append(encodeSilence(silence, expiresAtMs));
    this.entries.set(silence.id, { silence, expiresAtMs, matcherSets });
    this.version++;
    this.options.onChange?.(silence);
  }

  get size(): number {
    return this.entries.size;
  }

  get snapshotBytes(): number {
    return this.options.file?.snapshotBytes ?? 0;
  }

  get(id: string): Silence | undefined {
    return this.entries.get(id)?.silence;
  }

  all(): Silence[] {
    return Array.from(this.entries.values(), ({ silence }) => silence);
  }

  /** Ids of the active silences that match. */
  silencing(labels: ReadonlyMap<string, string>, nowMs: number): string[] {
    const ids: string[] = [];
    for (const { silence, matcherSets } of this.entries.values()) {
      if (silenceState(silence, nowMs) !== 'active') continue;
      if (matcherSets.some((matchers) => matchers.match(labels))) ids.push(silence.id);
    }
    return ids;
  }

  /**
   * Makes a silence, or changes the one with its id: in place where that keeps what it was, else the old
   * one ends and a new one takes over.
   * @returns its id
   * @throws SilenceError, SilenceNotFoundError, FileError
   */
  set(wanted: Silence): string {
    const now = this.options.clock.now();
    const known = wanted.id === '' ? undefined : this.entries.get(wanted.id);
    if (wanted.id !== '' && known === undefined)
      throw new SilenceNotFoundError('silence not found');
    this.check(wanted, now);
    if (known !== undefined) {
      if (canUpdate(known.silence, wanted, now)) {
        this.store({ ...wanted, updatedAtMs: now });
        return wanted.id;
      }
      this.checkCount();
      if (silenceState(known.silence, now) !== 'expired') this.expire(wanted.id);
    } else this.checkCount();
    const startsAtMs = Math.max(wanted.startsAtMs, now);
    const silence = { ...wanted, id: this.options.newId(), startsAtMs, updatedAtMs: now };
    this.store(silence);
    return silence.id;
  }

  private checkCount(): void {
    const { countMax } = this.options;
    if (countMax > 0 && this.entries.size + 1 > countMax) {
      throw new SilenceError(
        `exceeded maximum number of silences: ${this.entries.size} (limit: ${countMax})`,
      );
    }
  }

  private check(silence: Silence, now: number): void {
    const invalid = (why: string): never => {
      throw new SilenceError(`invalid silence: ${why}`);
    };
    if (silence.matchers.length === 0) invalid('at least one matcher required');
    silence.matchers.forEach((matcher, i) => {
      const why = matcherProblem(matcher);
      if (why !== undefined) invalid(`invalid label matcher ${i}: ${why}`);
    });
    if (silence.matchers.every(matchesEmpty))
      invalid('at least one matcher must not match the empty string');
    if (silence.endsAtMs < silence.startsAtMs) invalid('end time must not be before start time');
    if (silence.endsAtMs <= now && silence.id === '') invalid("end time can't be in the past");
    const { sizeMaxBytes } = this.options;
    const size = sizeMaxBytes > 0 ? silenceBytes(silence) : 0;
    if (size > sizeMaxBytes)
      throw new SilenceError(
        `silence exceeded maximum size: ${size} bytes (limit: ${sizeMaxBytes} bytes)`,
      );
  }

  /** Ends a silence now; one that has ended stays as it is. @throws SilenceNotFoundError, FileError */
  expire(id: string): void {
    const now = this.options.clock.now();
    const known = this.entries.get(id)?.silence;
    if (known === undefined) throw new SilenceNotFoundError('silence not found');
    const state = silenceState(known, now);
    if (state === 'expired') return;
    const startsAtMs = state === 'pending' ? now : known.startsAtMs;
    this.store({ ...known, startsAtMs, endsAtMs: now, updatedAtMs: now });
  }

  /** Forgets what has been over for long enough. @returns how many */
  collect(): number {
    const now = this.options.clock.now();
    let count = 0;
    for (const [id, { expiresAtMs }] of this.entries) {
      if (expiresAtMs > now) continue;
      this.entries.delete(id);
      count++;
    }
    if (count > 0) this.version++;
    return count;
  }

  /** Writes the snapshot. @throws FileError */
  save(): void {
    const messages = Array.from(this.entries.values(), ({ silence, expiresAtMs }) =>
      encodeSilence(silence, expiresAtMs),
    );
    this.options.file?.write(messages);
  }
}

function matcherProblem({ name, type, value }: Matcher): string | undefined {
  if (!isValidLabelName(name, 'utf8')) return `invalid label name ${JSON.stringify(name)}`;
  if (type !== '=~' && type !== '!~') return undefined;
  try {
    compileRegexp(value);
    return undefined;
  } catch (error) {
    return `invalid regular expression ${JSON.stringify(value)}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function matchesEmpty({ type, value }: Matcher): boolean {
  const hit = type === '=' || type === '!=' ? value === '' : compileRegexp(value).test('');
  return hit !== (type === '!=' || type === '!~');
}

const sameMatchers = (a: readonly Matcher[], b: readonly Matcher[]): boolean =>
  JSON.stringify(a.map(({ name, type, value }) => [name, type, value])) ===
  JSON.stringify(b.map(({ name, type, value }) => [name, type, value]));

/** Whether `after` may take the place of `before`: nothing that has happened changes. */
function canUpdate(before: Silence, after: Silence, now: number): boolean {
  if (before.moreMatcherSets !== undefined) return false;
  if (!sameMatchers(before.matchers, after.matchers)) return false;
  switch (silenceState(before, now)) {
    case 'active':
      return (
        Math.floor(after.startsAtMs / 1000) === Math.floor(before.startsAtMs / 1000) &&
        after.endsAtMs >= now
      );
    case 'pending':
      return after.startsAtMs >= now;
    default:
      return false;
  }
}
