// SPDX-License-Identifier: Apache-2.0
// dmi: what the firmware says of machine, board and chassis.

import type { Collector, CollectorContext } from '../collector.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSysLine } from '../source.ts';

const directory = 'class/dmi/id';
const help =
  "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, product_sku, product_uuid, product_version, system_vendor if provided by DMI.";

/** Labels in name order; they are named as their files, but for the last. */
const labels = [
  ...['bios_date', 'bios_release', 'bios_vendor', 'bios_version', 'board_asset_tag'],
  ...['board_name', 'board_serial', 'board_vendor', 'board_version', 'chassis_asset_tag'],
  ...['chassis_serial', 'chassis_vendor', 'chassis_version', 'product_family', 'product_name'],
  ...['product_serial', 'product_sku', 'product_uuid', 'product_version', 'system_vendor'],
];

/**
 * Read once: firmware does not change under a running system. Files that only root may read give no label.
 */
export function dmi(context: CollectorContext): Collector {
  let found: { readonly names: string[]; readonly values: string[] } | undefined;
  const read = (): { names: string[]; values: string[] } => {
    listSysIfThere(context, directory);
    const names: string[] = [];
    const values: string[] = [];
    for (const label of labels) {
      const file = label === 'system_vendor' ? 'sys_vendor' : label;
      const value = readSysLine(context, `${directory}/${file}`);
      if (value === undefined) continue;
      names.push(label);
      values.push(value);
    }
    return { names, values };
  };
  return (sink) => {
    found ??= read();
    sink.add(gauge('node_dmi_info', help, ...found.names), 1, ...found.values);
  };
}
