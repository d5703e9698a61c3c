// SPDX-License-Identifier: Apache-2.0
// Many wait for one fsync: whoever comes while one is running is served by the next, together with all
// others that came meanwhile. Alone nobody waits longer than the disk takes.

/** Runs `sync`, never twice at the same time. */
export class GroupSync {
  private readonly sync: () => Promise<void>;
  private running = false;
  private next: Promise<void> | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(sync: () => Promise<void>) {
    this.sync = sync;
  }

  /** Settles as the first run of `sync` does that began after this call. */
  request(): Promise<void> {
    if (!this.running) return this.run();
    this.next ??= this.last.then(
      () => this.run(),
      () => this.run(),
    );
    return this.next;
  }

  private run(): Promise<void> {
    this.running = true;
    this.next = undefined;
    this.last = this.sync().finally(() => {
      this.running = false;
    });
    return this.last;
  }
}
