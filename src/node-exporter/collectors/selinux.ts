// SPDX-License-Identifier: Apache-2.0
// selinux: whether SELinux is on, and how it is meant to be.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { ifReadable, readSysLine } from '../source.ts';
import { decimal, eachLine } from '../text.ts';

const enabled = gauge('node_selinux_enabled', 'SELinux is enabled, 1 is true, 0 is false');
const configMode = gauge('node_selinux_config_mode', 'Configured SELinux enforcement mode');
const currentMode = gauge('node_selinux_current_mode', 'Current SELinux enforcement mode');

const modes: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0 };
/** What the library that upstream uses says for "disabled" and for no file. */
const DISABLED = -1;

/** `SELINUX=enforcing` of the configuration. */
function configured(context: CollectorContext): number {
  const { rootfs } = context.paths;
  const path = `${rootfs === '/' ? '' : rootfs}/etc/selinux/config`;
  let mode = DISABLED;
  eachLine(ifReadable(() => context.files.readTextSync(path)) ?? '', (line) => {
    const [key = '', value = ''] = line.split('=');
    if (key.trim() === 'SELINUX') mode = modes[value.trim()] ?? DISABLED;
  });
  return mode;
}

export function selinux(context: CollectorContext): Collector {
  return (sink) => {
    const enforce = readSysLine(context, 'fs/selinux/enforce');
    sink.add(enabled, enforce === undefined ? 0 : 1);
    if (enforce === undefined) return;
    sink.add(configMode, configured(context));
    sink.add(currentMode, decimal(enforce, 'fs/selinux/enforce'));
  };
}
