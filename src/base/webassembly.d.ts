// SPDX-License-Identifier: Apache-2.0
// WebAssembly as far as core uses it; neither ES2023 nor the Node types declare it.

declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
  var Memory: {
    new (descriptor: { initial: number; maximum?: number; shared?: boolean }): Memory;
  };
  interface Module {
    readonly [Symbol.toStringTag]?: string;
  }
  var Module: { new (bytes: Uint8Array<ArrayBuffer>): Module };
  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  var Instance: {
    new (module: Module, imports?: Record<string, Record<string, unknown>>): Instance;
  };
}
