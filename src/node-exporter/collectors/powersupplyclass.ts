// SPDX-License-Identifier: Apache-2.0
// powersupplyclass: batteries and mains.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { gauge } from '../sink.ts';
import { listSysIfThere, readSysLine, sysNumberIfAny } from '../source.ts';

type Row = readonly [file: string, name: string, divisor: number];
const plain = (...files: string[]): Row[] => files.map((file) => [file, file, 1]);
const micro = (unit: string, ...files: string[]): Row[] =>
  files.map((file) => [file, unit === '' ? file : file.replace(/_now$|_avg$/, '') + unit, 1e6]);

/** File below the supply, name of the metric, and what the number is divided by. */
const numbers: readonly Row[] = [
  ...plain('authentic', 'calibrate', 'capacity', 'capacity_alert_max', 'capacity_alert_min'),
  ['cycle_count', 'cyclecount', 1],
  ...plain('online', 'present'),
  ['time_to_empty_now', 'time_to_empty_seconds', 1],
  ['time_to_full_now', 'time_to_full_seconds', 1],
  ...micro('_ampere', 'current_boot', 'current_max', 'current_now'),
  ...micro('_watthour', 'energy_now'),
  ...micro('', 'energy_empty', 'energy_full', 'energy_full_design', 'energy_empty_design'),
  ...micro('_volt', 'voltage_boot', 'voltage_max', 'voltage_min', 'voltage_now', 'voltage_ocv'),
  ...micro('', 'voltage_min_design', 'voltage_max_design'),
  ['charge_control_limit', 'charge_control_limit', 1],
  ['charge_control_limit_max', 'charge_control_limit_max', 1],
  ...micro('_ampere', 'charge_counter', 'charge_empty', 'charge_full', 'charge_now'),
  ['charge_full_design', 'charge_full_design_ampere', 1e6],
  ['charge_term_current', 'charge_term_current', 1e6],
  ['constant_charge_current', 'constant_charge_current', 1e6],
  ['constant_charge_current_max', 'constant_charge_current_max', 1e6],
  ['constant_charge_voltage', 'constant_charge_voltage', 1e6],
  ['constant_charge_voltage_max', 'constant_charge_voltage_max', 1e6],
  ['precharge_current', 'precharge_current', 1e6],
  ['input_current_limit', 'input_current_limit', 1e6],
  ['power_now', 'power_watt', 1e6],
  ['temp', 'temp_celsius', 10],
  ['temp_alert_max', 'temp_alert_max_celsius', 10],
  ['temp_alert_min', 'temp_alert_min_celsius', 10],
  ['temp_ambient', 'temp_ambient_celsius', 10],
  ['temp_ambient_max', 'temp_ambient_max_celsius', 10],
  ['temp_ambient_min', 'temp_ambient_min_celsius', 10],
  ['temp_max', 'temp_max_celsius', 10],
  ['temp_min', 'temp_min_celsius', 10],
];

/** Labels of the info metric, in name order; those without a file are left out. */
const texts: readonly (readonly [label: string, file: string])[] = [
  ['capacity_level', 'capacity_level'],
  ['charge_type', 'charge_type'],
  ['health', 'health'],
  ['manufacturer', 'manufacturer'],
  ['model_name', 'model_name'],
  ['scope', 'scope'],
  ['serial_number', 'serial_number'],
  ['status', 'status'],
  ['technology', 'technology'],
  ['type', 'type'],
  ['usb_type', 'usb_type'],
];

function collectInfo(context: CollectorContext, sink: MetricSink, supply: string): void {
  const labels: [string, string][] = [['power_supply', supply]];
  for (const [label, file] of texts) {
    const text = readSysLine(context, `class/power_supply/${supply}/${file}`) ?? '';
    if (text !== '') labels.push([label, text]);
  }
  labels.sort(([a], [b]) => (a < b ? -1 : 1));
  const to = gauge(
    'node_power_supply_info',
    'info of /sys/class/power_supply/<power_supply>.',
    ...labels.map(([label]) => label),
  );
  sink.add(to, 1, ...labels.map(([, text]) => text));
}

export function powersupplyclass(context: CollectorContext): Collector {
  const { powerSupplyIgnored } = context.options;
  return (sink) => {
    for (const supply of listSysIfThere(context, 'class/power_supply')) {
      if (powerSupplyIgnored?.test(supply) === true) continue;
      for (const [file, name, divisor] of numbers) {
        const value = sysNumberIfAny(context, `class/power_supply/${supply}/${file}`);
        if (value === undefined) continue;
        const to = gauge(
          `node_power_supply_${name}`,
          `${name} value of /sys/class/power_supply/<power_supply>.`,
          'power_supply',
        );
        sink.add(to, value / divisor, supply);
      }
      collectInfo(context, sink, supply);
    }
  };
}
