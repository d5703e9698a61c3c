// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { traceArea, traceLine } from './paths.ts';

const NaN_ = Number.NaN;
const same = (value: number): number => value;

function record(): { path: Parameters<typeof traceLine>[0]; calls: string[] } {
  const calls: string[] = [];
  const path = {
    moveTo: (x: number, y: number) => void calls.push(`M${x},${y}`),
    lineTo: (x: number, y: number) => void calls.push(`L${x},${y}`),
    arc: (x: number, y: number) => void calls.push(`O${x},${y}`),
  };
  return { path, calls };
}

test('gaps break lines, lone values are dots', () => {
  const { path, calls } = record();
  const times = Float64Array.of(0, 1, 2, 3, 4, 5);
  traceLine(path, times, Float64Array.of(5, 6, NaN_, 7, NaN_, 8), same, same);
  expect(calls.join(' ')).toBe('M0,5 L1,6 M3,7 M4.5,7 O3,7 M5,8 M6.5,8 O5,8');
});

test('areas close around each run', () => {
  const { path, calls } = record();
  const times = Float64Array.of(0, 1, 2, 3);
  traceArea(
    path,
    times,
    Float64Array.of(5, 6, NaN_, 7),
    Float64Array.of(1, 2, NaN_, 3),
    same,
    same,
  );
  expect(calls.join(' ')).toBe('M0,1 L0,5 L1,6 L1,2 L0,1 M3,3 L3,7 L3,3');
});
