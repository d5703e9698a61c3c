// SPDX-License-Identifier: Apache-2.0
// bonding: how many slaves a bonding interface has, and how many of them work.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { ifThere, readSys, readSysLine } from '../source.ts';
import { fields } from '../text.ts';

const slaves = gauge(
  'node_bonding_slaves',
  'Number of configured slaves per bonding interface.',
  'master',
);
const active = gauge(
  'node_bonding_active',
  'Number of active slaves per bonding interface.',
  'master',
);

/** Newer kernels name the slave's directory `lower_`, older ones `slave_`. */
function slaveStatus(context: CollectorContext, master: string, slave: string): string {
  const status = (link: string): string =>
    `class/net/${master}/${link}_${slave}/bonding_slave/mii_status`;
  return readSysLine(context, status('lower')) ?? readSys(context, status('slave'));
}

export function bonding(context: CollectorContext): Collector {
  return (sink) => {
    for (const master of fields(ifThere(() => readSys(context, 'class/net/bonding_masters')))) {
      const names = fields(readSys(context, `class/net/${master}/bonding/slaves`));
      const up = names.filter((slave) => slaveStatus(context, master, slave) === 'up');
      sink.add(slaves, names.length, master);
      sink.add(active, up.length, master);
    }
  };
}
