// SPDX-License-Identifier: Apache-2.0
// Names of PCI vendors, devices and classes, from the pci.ids file that distributions ship.
//
//   C 01  Mass storage controller      class
//   <tab>08  Non-Volatile memory       subclass
//   <tab><tab>02  NVM Express          programming interface
//   1022  Advanced Micro Devices       vendor
//   <tab>1634  Renoir PCIe bridge      device
//   <tab><tab>17aa 5095  ThinkPad      subsystem: vendor and device

import { eachLine } from '../text.ts';

export interface PciIds {
  readonly vendors: ReadonlyMap<string, string>;
  /** `vendor:device` */
  readonly devices: ReadonlyMap<string, string>;
  /** `vendor:device:subvendor:subdevice` */
  readonly subsystems: ReadonlyMap<string, string>;
  /** Two, four or six digits. */
  readonly classes: ReadonlyMap<string, string>;
}

export function parsePciIds(text: string): PciIds {
  const vendors = new Map<string, string>();
  const devices = new Map<string, string>();
  const subsystems = new Map<string, string>();
  const classes = new Map<string, string>();
  let inClasses = false;
  let [first, second] = ['', ''];
  eachLine(text, (line) => {
    if (line.startsWith('#')) return;
    const depth = line.startsWith('\t\t') ? 2 : line.startsWith('\t') ? 1 : 0;
    const gap = line.indexOf('  ', depth);
    if (gap < 0) return;
    let id = line.slice(depth, gap).trim();
    const name = line.slice(gap).trim();
    if (depth === 0) {
      inClasses = id.startsWith('C ');
      if (inClasses) id = id.slice(2).trim();
      [first, second] = [id, ''];
      (inClasses ? classes : vendors).set(id, name);
    } else if (depth === 1) {
      second = id;
      if (inClasses) classes.set(first + id, name);
      else devices.set(`${first}:${id}`, name);
    } else if (inClasses) classes.set(first + second + id, name);
    else subsystems.set(`${first}:${second}:${id.replace(' ', ':')}`, name);
  });
  return { vendors, devices, subsystems, classes };
}

/** The name labels for a device's identifiers; an identifier that is not known stands for itself. */
export function pciNames(
  ids: PciIds,
  labels: Readonly<Record<string, string>>,
): Record<string, string> {
  const bare = (label: string): string => (labels[label] ?? '').replace(/^0x/, '');
  const [vendor, device] = [bare('vendor_id'), bare('device_id')];
  const [subVendor, subDevice] = [bare('subsystem_vendor_id'), bare('subsystem_device_id')];
  const classId = bare('class_id');
  const className =
    ids.classes.get(classId) ??
    ids.classes.get(classId.slice(0, 4)) ??
    ids.classes.get(classId.slice(0, 2));
  return {
    vendor_name: ids.vendors.get(vendor) ?? labels.vendor_id ?? '',
    device_name: ids.devices.get(`${vendor}:${device}`) ?? labels.device_id ?? '',
    subsystem_vendor_name: ids.vendors.get(subVendor) ?? labels.subsystem_vendor_id ?? '',
    subsystem_device_name:
      ids.subsystems.get(`${vendor}:${device}:${subVendor}:${subDevice}`) ??
      labels.subsystem_device_id ??
      '',
    class_name: className ?? `Unknown class (${labels.class_id ?? ''})`,
  };
}
