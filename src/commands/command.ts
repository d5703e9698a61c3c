// SPDX-License-Identifier: Apache-2.0
// What a command of promtool or amtool is: its words, flags and arguments, and what it does.

import type {
  Clock,
  FileSystem,
  HttpClient,
  HttpClientOptions,
  Logger,
  Prng,
} from '../base/index.ts';
import type { BlockCompression, FrameCompression } from '../encoding/index.ts';
import type { SharedHeap } from '../kernels/index.ts';

export interface CommandFlag {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly kind: 'switch' | 'text' | 'list' | 'number' | 'choice';
  readonly help: string;
  /** The value when the flag is not given. */
  readonly byDefault?: string;
  readonly choices?: readonly string[];
  readonly required?: boolean;
  readonly hidden?: boolean;
}

export interface CommandArgument {
  readonly name: string;
  readonly help: string;
  readonly required?: boolean;
  /** Takes all that follow. */
  readonly repeated?: boolean;
  readonly byDefault?: string;
}

/** One command. `words` are what selects it: `tsdb list`. */
export interface Command {
  readonly words: readonly string[];
  readonly help: string;
  readonly flags: readonly CommandFlag[];
  readonly args: readonly CommandArgument[];
  /** Runs when only the words before its last are given: `silence` is `silence query`. */
  readonly isDefault?: boolean;
  /** @returns the exit code. @throws CommandError */
  run(values: CommandValues, host: CommandHost): Promise<number>;
}

/** What went wrong, as the user is to read it; exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** The machine, as far as a command may see it. */
export interface CommandHost {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly snappy: BlockCompression;
  readonly zstd: FrameCompression | undefined;
  readonly processId: number;
  /** Variables that external labels may name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A heap of its own, for a database. */
  newHeap(): SharedHeap;
  /** The caller closes it. */
  createHttpClient(options: HttpClientOptions): HttpClient;
  gzip(bytes: Uint8Array): Uint8Array;
  /** Undefined when the bytes are not gzipped. */
  gunzip(bytes: Uint8Array): Uint8Array | undefined;
  /** What is wrong with a file for `--web.config.file`; undefined when nothing is. */
  webConfigProblem(path: string): string | undefined;
  /** All of the standard input; undefined when that is a terminal or another device. */
  readInput(): Promise<string | undefined>;
  /** Who runs this. */
  readonly userName: string;
  /** Of the Alertmanager that this program was built with. */
  readonly alertmanagerVersion: string;
  out(text: string): void;
  err(text: string): void;
  /** Whether `err` is a terminal, where progress is shown. */
  readonly isTerminal: boolean;
}

/** The values of one command line. */
export class CommandValues {
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.values = values;
  }

  /** The value of a flag or argument; '' when there is none. */
  text(name: string): string {
    return this.values.get(name)?.at(-1) ?? '';
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  number(name: string): number {
    return Number(this.text(name));
  }
}
