// SPDX-License-Identifier: Apache-2.0
// Batches of rows between the thread of a query and those that help it: a ring of slots in shared memory.
//
//   words 0 …   task (0 = none is open), next batch to claim, batches done with, signal to the owner,
//               number of batches, signal to the helpers, bytes of the text, number of the last task,
//               batches that may be claimed
//   words 16 …  for each helper: 0, or its generation while it reads what the owner shows
//   then        the task's text, and slots: state, owner, generation, bytes of notes, task, account,
//               notes, values, presence, ends of rows' texts, texts
//
// A batch is claimed by counting `next` up, at most so many ahead of what is done with as there are slots.
// Slot b mod slots holds batch b; whoever claims the batch owns the slot until it has said how it went:
// state b + 1 when the batch is computed, -(b + 1) when it is left undone.
//
// Nobody waits long for anybody. A helper may be put to sleep, or die, in the middle of a batch: its owner
// then computes that batch elsewhere and goes on, and the slot is not used before it is let go. What comes
// late is known by its task and never looked at.

import { assert } from '../../base/index.ts';
import type {
  ComputeBatch,
  FanOut,
  FanRun,
  FanSlot,
  FanTask,
  FillSlot,
} from '../operators/fan-out.ts';
import { FanAccount } from '../operators/fan-out.ts';

const Word = {
  task: 0,
  next: 1,
  done: 2,
  ownerSignal: 3,
  batches: 4,
  helperSignal: 5,
  textBytes: 6,
  lastTask: 7,
  ready: 8,
} as const;
const HELPERS_AT = 16;
/** Threads that one ring has room for. */
export const FAN_HELPERS_MAX = 64;
const TEXT_AT = 4 * (HELPERS_AT + FAN_HELPERS_MAX);
const TEXT_BYTES = 16_384;
const SLOTS_AT = TEXT_AT + TEXT_BYTES;
/** As many points as the API allows a series, and what a batch has of shorter ones. */
const SLOT_CELLS = 11_264;
const SlotWord = { state: 0, owner: 1, generation: 2, notesBytes: 3, task: 4 } as const;
/** The ring's owner among the owners of slots. */
const OWNER = FAN_HELPERS_MAX;
const SLOT_HEADER_BYTES = 64;
const ACCOUNT_AT = 32;
const NOTES_BYTES = 4096;
const ROWS_MAX = 4096;
const TEXT_SLOT_BYTES = 262_144;
const SLOT_BYTES =
  SLOT_HEADER_BYTES + NOTES_BYTES + 9 * SLOT_CELLS + 4 * ROWS_MAX + TEXT_SLOT_BYTES;
const SLOTS_PER_THREAD = 4;
const SLOTS_MAX = 16;
/** How often a thread that waits looks around. */
const LOOK_MS = 5;
/** How long the owner waits for a batch that another has, with nothing else left to do. */
const PATIENCE_MS = 1;

/** What takes about a millisecond: less is not worth waking somebody. */
const COST_MIN = 50_000;

const slotCount = (width: number): number => Math.min(SLOTS_MAX, SLOTS_PER_THREAD * width);

/** Bytes of the ring of one thread, of `width` that work together; a multiple of 8. */
export const fanRingBytes = (width: number): number => SLOTS_AT + slotCount(width) * SLOT_BYTES;

/** How often the threads of a slot have died: the generation of the next. */
export type Generations = (helper: number) => number;

class RingSlot implements FanSlot {
  readonly words: Int32Array;
  readonly account: Float64Array;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly textEnds: Int32Array;
  readonly text: Uint8Array;
  private readonly notes: Uint8Array;

  constructor(buffer: SharedArrayBuffer | ArrayBuffer, address: number) {
    const notes = address + SLOT_HEADER_BYTES;
    const values = notes + NOTES_BYTES;
    this.words = new Int32Array(buffer, address, SLOT_HEADER_BYTES / 4);
    this.account = new Float64Array(buffer, address + ACCOUNT_AT, FanAccount.length);
    this.notes = new Uint8Array(buffer, notes, NOTES_BYTES);
    this.values = new Float64Array(buffer, values, SLOT_CELLS);
    const ends = values + 9 * SLOT_CELLS;
    this.present = new Uint8Array(buffer, values + 8 * SLOT_CELLS, SLOT_CELLS);
    this.textEnds = new Int32Array(buffer, ends, ROWS_MAX);
    this.text = new Uint8Array(buffer, ends + 4 * ROWS_MAX, TEXT_SLOT_BYTES);
  }

  /** What became of `batch` of `task`: true, false when it was left undone, undefined: not known yet. */
  outcome(task: number, batch: number): boolean | undefined {
    const state = Atomics.load(this.words, SlotWord.state);
    if (Math.abs(state) !== batch + 1) return undefined;
    return Atomics.load(this.words, SlotWord.task) === task ? state > 0 : undefined;
  }

  /** Makes the slot a thread's, unless another has it. */
  lock(thread: number, generation: number): boolean {
    const { words } = this;
    if (Atomics.compareExchange(words, SlotWord.owner, 0, thread + 1) !== 0) return false;
    Atomics.store(words, SlotWord.generation, generation);
    return true;
  }

  get isLocked(): boolean {
    return Atomics.load(this.words, SlotWord.owner) !== 0;
  }

  unlock(): void {
    Atomics.store(this.words, SlotWord.owner, 0);
  }

  /** Says how `batch` went and lets go of the slot. */
  publish(task: number, batch: number, computed: boolean): void {
    Atomics.store(this.words, SlotWord.state, 0);
    Atomics.store(this.words, SlotWord.task, task);
    Atomics.store(this.words, SlotWord.state, computed ? batch + 1 : -(batch + 1));
    this.unlock();
  }

  /** Lets go of the slot for a thread that is no more. */
  freeOrphan(generations: Generations): void {
    const owner = Atomics.load(this.words, SlotWord.owner) - 1;
    if (owner < 0) return;
    const generation = owner === OWNER ? -1 : generations(owner);
    if (generation !== Atomics.load(this.words, SlotWord.generation)) this.unlock();
  }

  writeNotes(text: string): boolean {
    if (text === '') {
      this.words[SlotWord.notesBytes] = 0;
      return true;
    }
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > NOTES_BYTES) return false;
    this.notes.set(bytes);
    this.words[SlotWord.notesBytes] = bytes.length;
    return true;
  }

  readNotes(): string {
    const length = this.words[SlotWord.notesBytes]!;
    return length === 0 ? '' : new TextDecoder().decode(this.notes.slice(0, length));
  }
}

/** Both sides of one ring. */
class Ring {
  readonly words: Int32Array;
  readonly slots: readonly RingSlot[];
  private readonly text: Uint8Array;

  constructor(buffer: SharedArrayBuffer | ArrayBuffer, address: number, width: number) {
    this.words = new Int32Array(buffer, address, HELPERS_AT + FAN_HELPERS_MAX);
    this.text = new Uint8Array(buffer, address + TEXT_AT, TEXT_BYTES);
    const at = (i: number): number => address + SLOTS_AT + i * SLOT_BYTES;
    this.slots = Array.from({ length: slotCount(width) }, (_, i) => new RingSlot(buffer, at(i)));
  }

  load(word: number): number {
    return Atomics.load(this.words, word);
  }

  slotOf(batch: number): RingSlot {
    return this.slots[batch % this.slots.length]!;
  }

  /**
   * Makes the next batch that nobody has a thread's, and its slot; -1 when there is none, -2 when there is
   * no room for it yet.
   */
  claim(thread: number, generation: number): number {
    for (;;) {
      const next = this.load(Word.next);
      if (next >= this.load(Word.batches)) return -1;
      if (next >= this.load(Word.ready)) return -2;
      if (next >= this.load(Word.done) + this.slots.length) return -2;
      const slot = this.slotOf(next);
      if (!slot.lock(thread, generation)) return -2;
      if (this.claimExactly(next)) return next;
      slot.unlock();
    }
  }

  claimExactly(batch: number): boolean {
    return Atomics.compareExchange(this.words, Word.next, batch, batch + 1) === batch;
  }

  /** Helpers that read what the owner shows, and are alive. */
  helpers(generations: Generations): number[] {
    const found: number[] = [];
    for (let helper = 0; helper < FAN_HELPERS_MAX; helper++) {
      const generation = this.load(HELPERS_AT + helper) - 1;
      if (generation >= 0 && generation === generations(helper)) found.push(helper);
    }
    return found;
  }

  signal(word: number): void {
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }

  /** Waits for a signal after `seen`, not long; false when none came. */
  wait(word: number, seen: number, timeoutMs = LOOK_MS): boolean {
    return Atomics.wait(this.words, word, seen, timeoutMs) !== 'timed-out';
  }

  writeText(bytes: Uint8Array): void {
    this.text.set(bytes);
    this.words[Word.textBytes] = bytes.length;
  }

  readText(): string {
    return new TextDecoder().decode(this.text.slice(0, this.words[Word.textBytes]));
  }
}

const TASK_MAX = 0x7fff_ffff;

/** Ends the task that a thread which died left open in its ring. */
export function closeFanRing(buffer: SharedArrayBuffer | ArrayBuffer, address: number): void {
  const words = new Int32Array(buffer, address, HELPERS_AT);
  Atomics.store(words, Word.task, 0);
  Atomics.add(words, Word.helperSignal, 1);
  Atomics.notify(words, Word.helperSignal);
}

export interface FanRingOptions {
  readonly buffer: SharedArrayBuffer | ArrayBuffer;
  readonly address: number;
  /** For how many threads the ring was made, see {@link fanRingBytes}. */
  readonly width: number;
  /** Threads that work together, the owner among them; `width` unless given. */
  readonly threads?: number;
  readonly generations: Generations;
  /** See {@link FanOut}; about a millisecond of work unless given. */
  readonly costMin?: number;
  /** Tells the others that a task is open. */
  readonly call: () => void;
  /** Gives the other threads, in a test the only one, a chance to work. */
  readonly onTurn?: () => void;
}

/** The owner's side of a ring. */
export class RingFanOut implements FanOut {
  readonly width: number;
  readonly costMin: number;
  readonly slotCells = SLOT_CELLS;
  readonly slotTextBytes = TEXT_SLOT_BYTES;
  readonly slotTextRows = ROWS_MAX;
  private readonly options: FanRingOptions;
  private readonly ring: Ring;
  private run: OwnerRun | undefined;

  constructor(options: FanRingOptions) {
    this.options = options;
    this.width = options.threads ?? options.width;
    this.costMin = options.costMin ?? COST_MIN;
    this.ring = new Ring(options.buffer, options.address, options.width);
  }

  begin(work: FanTask, checkpoint: () => void, fill?: FillSlot): FanRun | undefined {
    if (this.run !== undefined) return undefined;
    const bytes = new TextEncoder().encode(JSON.stringify(work));
    if (bytes.length > TEXT_BYTES) return undefined;
    const { ring } = this;
    // Whom a thread that died in this one's place left behind, and who reads the text.
    if (ring.helpers(this.options.generations).length > 0) return undefined;
    assert(ring.load(Word.task) === 0, 'one task at a time');
    for (const slot of ring.slots) slot.freeOrphan(this.options.generations);
    ring.writeText(bytes);
    const batches = Math.ceil(work.rowCount / work.rowsPerBatch);
    Atomics.store(ring.words, Word.next, 0);
    Atomics.store(ring.words, Word.done, 0);
    Atomics.store(ring.words, Word.batches, batches);
    Atomics.store(ring.words, Word.ready, fill === undefined ? batches : 0);
    const task = (ring.load(Word.lastTask) % TASK_MAX) + 1;
    Atomics.store(ring.words, Word.lastTask, task);
    Atomics.store(ring.words, Word.task, task);
    this.run = new OwnerRun(ring, this.options, { task, batches, checkpoint, fill }, () => {
      this.run = undefined;
    });
    this.options.call();
    return this.run;
  }

  finish(): void {
    this.run?.close();
  }
}

interface OwnerWork {
  readonly task: number;
  readonly batches: number;
  readonly checkpoint: () => void;
  readonly fill: FillSlot | undefined;
}

class OwnerRun implements FanRun {
  private readonly ring: Ring;
  private readonly options: FanRingOptions;
  private readonly work: OwnerWork;
  private readonly onClosed: () => void;
  /** The batch whose turn it is. */
  private current = 0;
  /** Batches from here on are the owner's. */
  private ownFrom = Number.POSITIVE_INFINITY;
  private closed = false;

  constructor(ring: Ring, options: FanRingOptions, work: OwnerWork, onClosed: () => void) {
    this.ring = ring;
    this.options = options;
    this.work = work;
    this.onClosed = onClosed;
    this.fillAhead();
  }

  /** Puts what is needed for batches into their slots, as far as there are slots. */
  private fillAhead(): void {
    const { ring, current } = this;
    const { fill, batches } = this.work;
    if (fill === undefined) return;
    const first = ring.load(Word.ready);
    const end = Math.min(batches, current + ring.slots.length);
    let batch = Math.max(first, current);
    while (batch < end && !ring.slotOf(batch).isLocked) {
      fill(batch, ring.slotOf(batch));
      batch++;
    }
    if (batch === first) return;
    Atomics.store(ring.words, Word.ready, batch);
    ring.signal(Word.helperSignal);
  }

  next(compute: ComputeBatch): FanSlot | undefined {
    const { ring, current, options, work } = this;
    const slot = ring.slotOf(current);
    for (;;) {
      options.onTurn?.();
      if (current >= this.ownFrom) return undefined;
      const seen = ring.load(Word.ownerSignal);
      const outcome = slot.outcome(work.task, current);
      if (outcome === true) return slot;
      if (outcome === false) {
        // Others would fare no better with what follows.
        this.takeRest();
        return undefined;
      }
      if (ring.load(Word.next) === current) {
        if (ring.claimExactly(current)) return undefined;
        continue;
      }
      const ahead = ring.claim(OWNER, 0);
      if (ahead >= 0) {
        this.computeAhead(ahead, compute);
        continue;
      }
      if (!ring.wait(Word.ownerSignal, seen, PATIENCE_MS)) return undefined;
      work.checkpoint();
    }
  }

  private computeAhead(batch: number, compute: ComputeBatch): void {
    const slot = this.ring.slotOf(batch);
    let computed = false;
    try {
      computed = compute(batch, slot);
    } catch {
      // It is thrown again when it is this batch's turn, after whatever the batches before it throw.
    }
    slot.publish(this.work.task, batch, computed);
  }

  /** Leaves nothing more to others. */
  private takeRest(): void {
    const next = Atomics.exchange(this.ring.words, Word.next, this.work.batches);
    this.ownFrom = Math.min(this.ownFrom, next);
  }

  done(): void {
    const { ring } = this;
    this.current++;
    Atomics.store(ring.words, Word.done, this.current);
    if (this.work.fill === undefined) ring.signal(Word.helperSignal);
    else this.fillAhead();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.takeRest();
    const { ring, options } = this;
    Atomics.store(ring.words, Word.task, 0);
    ring.signal(Word.helperSignal);
    for (;;) {
      const seen = ring.load(Word.ownerSignal);
      if (ring.helpers(options.generations).length === 0) break;
      options.onTurn?.();
      ring.wait(Word.ownerSignal, seen);
    }
    this.onClosed();
  }
}

export interface FanHelperOptions {
  readonly buffer: SharedArrayBuffer | ArrayBuffer;
  readonly address: number;
  readonly width: number;
  /** Number of this thread, below {@link FAN_HELPERS_MAX}, and how many in its place died before. */
  readonly helper: number;
  readonly generation: number;
}

/**
 * A thread that helps the owner of one ring. It joins a task, reads what the owner shows, `settle`s on
 * what it has of its own by then, and works: the owner waits for a helper only between these two.
 */
export class FanHelper {
  private readonly ring: Ring;
  private readonly helper: number;
  private readonly generation: number;
  private task = 0;
  /** The task that this thread has done with, or can do nothing for. */
  private past = 0;
  /** The signal to the helpers as it was before the last claim. */
  private seen = 0;

  constructor({ buffer, address, width, helper, generation }: FanHelperOptions) {
    this.ring = new Ring(buffer, address, width);
    this.helper = helper;
    this.generation = generation;
  }

  /** Whether there is something to do. */
  get isWanted(): boolean {
    const { ring } = this;
    const task = ring.load(Word.task);
    if (task === 0 || task === this.past) return false;
    return ring.load(Word.next) < ring.load(Word.batches);
  }

  /** Says that this thread has nothing more to do for the task it joined. */
  pass(): void {
    this.past = this.task;
  }

  /** The open task, which stays readable until {@link settle}; undefined when there is none. */
  join(): FanTask | undefined {
    const { ring } = this;
    const task = ring.load(Word.task);
    if (task === 0) return undefined;
    Atomics.store(ring.words, HELPERS_AT + this.helper, this.generation + 1);
    this.task = task;
    if (this.isOver) {
      this.leave();
      return undefined;
    }
    return JSON.parse(ring.readText()) as FanTask;
  }

  /** Nothing is read any more of what the owner shows; false when it may not have been there throughout. */
  settle(): boolean {
    const isOpen = !this.isOver;
    this.leave();
    return isOpen;
  }

  /** Whether the owner has ended the task. */
  get isOver(): boolean {
    return this.ring.load(Word.task) !== this.task;
  }

  /**
   * Computes one batch.
   * @returns 'computed', 'left' when `compute` could not, 'full' when the owner is to catch up first, 'none'
   */
  work(compute: ComputeBatch): 'computed' | 'left' | 'full' | 'none' {
    const { ring } = this;
    if (this.isOver) return 'none';
    this.seen = ring.load(Word.helperSignal);
    const { task } = this;
    const batch = ring.claim(this.helper, this.generation);
    if (batch < 0) return batch === -1 ? 'none' : 'full';
    const slot = ring.slotOf(batch);
    let computed = false;
    try {
      computed = compute(batch, slot);
    } finally {
      slot.publish(task, batch, computed);
      ring.signal(Word.ownerSignal);
    }
    return computed ? 'computed' : 'left';
  }

  /** Waits until the owner has caught up, not long. */
  wait(): void {
    this.ring.wait(Word.helperSignal, this.seen);
  }

  leave(): void {
    Atomics.store(this.ring.words, HELPERS_AT + this.helper, 0);
    this.ring.signal(Word.ownerSignal);
  }
}
