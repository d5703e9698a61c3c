// SPDX-License-Identifier: Apache-2.0
// Profiles in the form that pprof, Grafana, Parca and Pyroscope read.
//
//   Profile   sample types, samples, locations, functions, one table of all texts
//   Sample    locations from the innermost call outwards, a value for each sample type, labels
//
// Source: google/pprof, proto/profile.proto.

import { ProtobufWriter } from './protobuf.ts';

export interface PprofFrame {
  readonly name: string;
  readonly file: string;
  /** Of the function's start; 0 = unknown. */
  readonly line: number;
}

export interface PprofSample {
  /** Innermost call first. */
  readonly frames: readonly PprofFrame[];
  /** One for each value type. */
  readonly values: readonly number[];
  readonly thread: string;
}

export interface PprofValueType {
  /** `cpu`, `inuse_space`… */
  readonly type: string;
  /** `nanoseconds`, `bytes`, `count`. */
  readonly unit: string;
}

export interface PprofProfile {
  readonly valueTypes: readonly PprofValueType[];
  readonly periodType: PprofValueType;
  /** Between two samples, in the unit of `periodType`. */
  readonly period: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly samples: readonly PprofSample[];
}

const PROFILE = {
  sampleType: 1,
  sample: 2,
  location: 4,
  function: 5,
  text: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
} as const;
const SAMPLE = { locations: 1, values: 2, label: 3 } as const;
const LABEL = { key: 1, text: 2 } as const;
const LOCATION = { id: 1, line: 4 } as const;
const LINE = { function: 1, line: 2 } as const;
const FUNCTION = { id: 1, name: 2, systemName: 3, file: 4, startLine: 5 } as const;

/** Numbers for things that come again. */
class Table {
  private readonly numbers = new Map<string, number>();
  private readonly first: number;

  constructor(first: number) {
    this.first = first;
  }

  /** @returns the number of `key`; `onNew` is called when it is a new one */
  of(key: string, onNew: (number: number) => void = () => undefined): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.first + this.numbers.size;
    this.numbers.set(key, number);
    onNew(number);
    return number;
  }

  keys(): Iterable<string> {
    return this.numbers.keys();
  }
}

function packed(numbers: readonly number[]): Uint8Array {
  const writer = new ProtobufWriter(numbers.length * 3);
  for (const number of numbers) writer.uvarint(number);
  return writer.bytes();
}

class Encoder {
  private readonly out = new ProtobufWriter(16_384);
  private readonly texts = new Table(0);
  private readonly locations = new Table(1);

  constructor() {
    // The format wants the empty text first.
    this.texts.of('');
  }

  private message(field: number, write: (message: ProtobufWriter) => void): void {
    const message = new ProtobufWriter(64);
    write(message);
    this.out.bytesField(field, message.bytes());
  }

  private valueType(field: number, { type, unit }: PprofValueType): void {
    this.message(field, (message) => {
      message.unsignedField(1, this.texts.of(type));
      message.unsignedField(2, this.texts.of(unit));
    });
  }

  /** A frame is both a location and a function: an interpreter has no addresses to tell them apart by. */
  private location(frame: PprofFrame): number {
    const { name, file, line } = frame;
    return this.locations.of(`${name}\0${file}\0${line}`, (id) => {
      this.message(PROFILE.function, (message) => {
        message.unsignedField(FUNCTION.id, id);
        message.unsignedField(FUNCTION.name, this.texts.of(name));
        message.unsignedField(FUNCTION.systemName, this.texts.of(name));
        message.unsignedField(FUNCTION.file, this.texts.of(file));
        message.unsignedField(FUNCTION.startLine, line);
      });
      const at = new ProtobufWriter(16);
      at.unsignedField(LINE.function, id);
      at.unsignedField(LINE.line, line);
      this.message(PROFILE.location, (message) => {
        message.unsignedField(LOCATION.id, id);
        message.bytesField(LOCATION.line, at.bytes());
      });
    });
  }

  private sample({ frames, values, thread }: PprofSample): void {
    const label = new ProtobufWriter(16);
    label.unsignedField(LABEL.key, this.texts.of('thread'));
    label.unsignedField(LABEL.text, this.texts.of(thread));
    const locations = packed(frames.map((frame) => this.location(frame)));
    this.message(PROFILE.sample, (message) => {
      message.bytesField(SAMPLE.locations, locations);
      message.bytesField(SAMPLE.values, packed(values));
      message.bytesField(SAMPLE.label, label.bytes());
    });
  }

  encode(profile: PprofProfile): Uint8Array<ArrayBuffer> {
    const { out } = this;
    for (const type of profile.valueTypes) this.valueType(PROFILE.sampleType, type);
    for (const sample of profile.samples) this.sample(sample);
    this.valueType(PROFILE.periodType, profile.periodType);
    out.unsignedField(PROFILE.period, profile.period);
    // Beyond 2^53 the last digits are lost: less than a microsecond.
    out.unsignedField(PROFILE.timeNanos, profile.startMs * 1e6);
    out.unsignedField(PROFILE.durationNanos, Math.round(profile.durationMs * 1e6));
    for (const text of this.texts.keys()) out.textField(PROFILE.text, text);
    return out.bytes();
  }
}

/** The profile as bytes, not compressed. Values are whole numbers >= 0. Cost: O(frames of all samples). */
export function encodePprof(profile: PprofProfile): Uint8Array<ArrayBuffer> {
  return new Encoder().encode(profile);
}
