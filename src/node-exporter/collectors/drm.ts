// SPDX-License-Identifier: Apache-2.0
// drm: graphics cards with the amdgpu driver.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfAny, readSysLine, sysNumberIfAny } from '../source.ts';
import { eachLine } from '../text.ts';

const info = gauge(
  'node_drm_card_info',
  'Card information',
  'card',
  'memory_vendor',
  'power_performance_level',
  'unique_id',
  'vendor',
);

/** File below `device/` and what it becomes. */
const numbers: readonly (readonly [file: string, Descriptor])[] = [
  [
    'gpu_busy_percent',
    gauge('node_drm_gpu_busy_percent', 'How busy the GPU is as a percentage.', 'card'),
  ],
  [
    'mem_info_gtt_total',
    gauge(
      'node_drm_memory_gtt_size_bytes',
      'The size of the graphics translation table (GTT) block in bytes.',
      'card',
    ),
  ],
  [
    'mem_info_gtt_used',
    gauge(
      'node_drm_memory_gtt_used_bytes',
      'The used amount of the graphics translation table (GTT) block in bytes.',
      'card',
    ),
  ],
  [
    'mem_info_vis_vram_total',
    gauge('node_drm_memory_vis_vram_size_bytes', 'The size of visible VRAM in bytes.', 'card'),
  ],
  [
    'mem_info_vis_vram_used',
    gauge(
      'node_drm_memory_vis_vram_used_bytes',
      'The used amount of visible VRAM in bytes.',
      'card',
    ),
  ],
  [
    'mem_info_vram_total',
    gauge('node_drm_memory_vram_size_bytes', 'The size of VRAM in bytes.', 'card'),
  ],
  [
    'mem_info_vram_used',
    gauge('node_drm_memory_vram_used_bytes', 'The used amount of VRAM in bytes.', 'card'),
  ],
];

const CARD = /^card\d+$/;

function isAmd(context: CollectorContext, card: string): boolean {
  let found = false;
  eachLine(readSysLine(context, `class/drm/${card}/device/uevent`) ?? '', (line) => {
    found ||= line === 'DRIVER=amdgpu';
  });
  return found;
}

export function drm(context: CollectorContext): Collector {
  return (sink) => {
    const cards = listSysIfAny(context, 'class/drm').filter((name) => CARD.test(name));
    for (const card of cards.filter((name) => isAmd(context, name))) {
      const base = `class/drm/${card}/device`;
      const of = (file: string): string => readSysLine(context, `${base}/${file}`) ?? '';
      const [vendor, level] = [of('mem_info_vram_vendor'), of('power_dpm_force_performance_level')];
      sink.add(info, 1, card, vendor, level, of('unique_id'), 'amd');
      for (const [file, to] of numbers)
        sink.add(to, sysNumberIfAny(context, `${base}/${file}`) ?? 0, card);
    }
  };
}
