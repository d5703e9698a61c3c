// SPDX-License-Identifier: Apache-2.0
// hwmon: temperatures, voltages, fans and other sensors.

import type { Collector, CollectorContext } from '../collector.ts';
import { keepsName } from '../collector.ts';
import type { Descriptor, MetricSink } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { ifReadable, listSys, listSysIfAny, listSysIfThere, readSysLine } from '../source.ts';
import { decimalIfAny } from '../text.ts';

const chipNames = gauge(
  'node_hwmon_chip_names',
  'Annotation metric for human-readable chip names',
  'chip',
  'chip_name',
);
const sensorLabel = gauge(
  'node_hwmon_sensor_label',
  'Label for given chip and sensor',
  'chip',
  'label',
  'sensor',
);
const beepEnable = gauge('node_hwmon_beep_enabled', 'Hardware beep enabled', 'chip', 'sensor');
const regulator = gauge(
  'node_hwmon_voltage_regulator_version',
  'Hardware voltage regulator',
  'chip',
  'sensor',
);
const updateInterval = gauge(
  'node_hwmon_update_interval_seconds',
  'Hardware monitor update interval',
  'chip',
  'sensor',
);

const sensorTypes = new Set(
  'vrm beep_enable update_interval in cpu fan pwm temp curr power energy humidity intrusion freq'.split(
    ' ',
  ),
);

/** Lower case, everything but letters, digits, `_` and `:` replaced, no `_` at the ends. */
const cleanName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, '_')
    .replace(/^_+|_+$/g, '');

const SENSOR_FILE = /^([^0-9]+)([0-9]*)(?:_(.+))?$/;

interface Sensor {
  readonly type: string;
  /** Property → text of its file; the empty property is the file named as the sensor. */
  readonly elements: Map<string, string>;
}

/** `temp1_input` → sensor temp1 of type temp, element input. */
function readSensors(context: CollectorContext, path: string, sensors: Map<string, Sensor>): void {
  for (const file of listSysIfAny(context, path)) {
    const match = SENSOR_FILE.exec(file);
    const type = match?.[1] ?? '';
    if (match === null || !sensorTypes.has(type)) continue;
    // Some drivers fail reads of sensors that are not wired: those are left out.
    const text = readSysLine(context, `${path}/${file}`);
    if (text === undefined) continue;
    const name = `${type}${match[2] === '' ? '0' : Number(match[2])}`;
    let sensor = sensors.get(name);
    if (sensor === undefined) {
      sensor = { type, elements: new Map() };
      sensors.set(name, sensor);
    }
    sensor.elements.set(match[3] ?? '', text);
  }
}

/** Descriptor and factor of one element. */
function elementMetric(type: string, element: string, hasPlain: boolean): [Descriptor, number] {
  let name = `node_hwmon_${type}`;
  if (element === 'input') name += hasPlain ? '_input' : '';
  else if (element !== '') name += `_${cleanName(element)}`;
  const make = (suffix: string, help: string, kind = gauge): Descriptor =>
    kind(`${name}${suffix}`, help, 'chip', 'sensor');
  if (element === 'fault' || element === 'alarm')
    return [make('', `Hardware sensor ${element} status (${type})`), 1];
  if (element === 'beep')
    return [make('_enabled', 'Hardware monitor sensor has beeping enabled'), 1];
  switch (type) {
    case 'in':
    case 'cpu':
      return [make('_volts', `Hardware monitor for voltage (${element})`), 0.001];
    case 'temp':
      if (element === 'type') break;
      return [make('_celsius', `Hardware monitor for temperature (${element})`), 0.001];
    case 'curr':
      return [make('_amps', `Hardware monitor for current (${element})`), 0.001];
    case 'energy':
      return [
        make('_joule_total', `Hardware monitor for joules used so far (${element})`, counter),
        1e-6,
      ];
    case 'power':
      if (element === 'accuracy')
        return [make('', 'Hardware monitor power meter accuracy, as a ratio'), 1e-6];
      if (element.startsWith('average_interval'))
        return [
          make('_seconds', `Hardware monitor power usage update interval (${element})`),
          0.001,
        ];
      return [make('_watt', `Hardware monitor for power usage in watts (${element})`), 1e-6];
    case 'humidity':
      return [
        make(
          '',
          `Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) (${element})`,
        ),
        1e-6,
      ];
    case 'fan':
      if (!['input', 'min', 'max', 'target'].includes(element)) break;
      return [make('_rpm', `Hardware monitor for fan revolutions per minute (${element})`), 1];
    case 'freq':
      if (element !== 'input') break;
      return [make('_freq_mhz', 'Hardware monitor for GPU frequency in MHz'), 1e-6];
    default:
  }
  return [make('', `Hardware monitor ${type} element ${element}`), 1];
}

/** Divides where the factor is a thousandth or millionth of more digits than a product keeps. */
const scaled = (value: number, factor: number): number =>
  factor === 1e-6 ? value / 1e6 : value * factor;

/** Sensor types that are one number with a metric of their own. */
const plainSensors: Readonly<Record<string, readonly [Descriptor, factor: number]>> = {
  beep_enable: [beepEnable, 1],
  vrm: [regulator, 1],
  update_interval: [updateInterval, 0.001],
};

function collectSensor(sink: MetricSink, chip: string, name: string, sensor: Sensor): void {
  const { type, elements } = sensor;
  const plain = plainSensors[type];
  if (plain !== undefined) {
    const value = decimalIfAny(elements.get(''));
    if (value !== undefined) sink.add(plain[0], value * plain[1], chip, name);
    return;
  }
  const label = elements.get('label') ?? '';
  if (label !== '') sink.add(sensorLabel, 1, chip, label, name);
  for (const [element, text] of elements) {
    if (element === 'label') continue;
    const value = decimalIfAny(text);
    if (value === undefined) continue;
    const [to, factor] = elementMetric(type, element, elements.has(''));
    // Frequencies are told apart by what the driver calls them.
    const isFrequency = type === 'freq' && element === 'input';
    if (isFrequency && label === '') continue;
    sink.add(to, scaled(value, factor), chip, isFrequency ? cleanName(label) : name);
  }
}

/** Name from the device's place, which stays the same whatever the order of loaded drivers; '' without. */
function deviceName(context: CollectorContext, directory: string): string {
  const path = ifReadable(() =>
    context.files.realPathSync(`${context.paths.sysfs}/class/hwmon/${directory}/device`),
  );
  if (path === undefined) return '';
  const [name = '', parent = ''] = path.split('/').reverse();
  return [cleanName(parent), cleanName(name)].filter((part) => part !== '').join('_');
}

/** Chip label of each directory; chips of one device are told apart by their driver's name. */
function chipLabels(
  context: CollectorContext,
  directories: readonly string[],
): Map<string, string> {
  const byDevice = new Map(directories.map((name) => [name, deviceName(context, name)]));
  const counts = new Map<string, number>();
  for (const device of byDevice.values()) counts.set(device, (counts.get(device) ?? 0) + 1);
  const labels = new Map<string, string>();
  for (const [directory, device] of byDevice) {
    const human = cleanName(readSysLine(context, `class/hwmon/${directory}/name`) ?? '');
    const isShared = (counts.get(device) ?? 0) > 1 && human !== '';
    if (device !== '') labels.set(directory, isShared ? `${device}_${human}` : device);
    else labels.set(directory, human === '' ? cleanName(directory) : human);
  }
  return labels;
}

export function hwmon(context: CollectorContext): Collector {
  const { chips, sensors: sensorFilter } = context.options.hwmon;
  return (sink) => {
    const directories = listSysIfThere(context, 'class/hwmon').filter(
      (name) => ifReadable(() => listSys(context, `class/hwmon/${name}`)) !== undefined,
    );
    for (const [directory, chip] of chipLabels(context, directories)) {
      if (!keepsName(chips, chip)) continue;
      const sensors = new Map<string, Sensor>();
      readSensors(context, `class/hwmon/${directory}`, sensors);
      readSensors(context, `class/hwmon/${directory}/device`, sensors);
      const human = cleanName(readSysLine(context, `class/hwmon/${directory}/name`) ?? '');
      if (human !== '') sink.add(chipNames, 1, chip, human);
      for (const [name, sensor] of sensors)
        if (keepsName(sensorFilter, `${chip};${name}`)) collectSensor(sink, chip, name, sensor);
    }
  };
}
