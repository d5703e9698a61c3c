// SPDX-License-Identifier: Apache-2.0
// edac: memory errors, corrected and not.

import type { Collector, CollectorContext } from '../collector.ts';
import type { MetricSink } from '../sink.ts';
import { counter } from '../sink.ts';
import { listSysIfAny, readSysLine, sysNumber, sysNumberIfAny } from '../source.ts';

const correctable = counter(
  'node_edac_correctable_errors_total',
  'Total correctable memory errors.',
  'controller',
);
const uncorrectable = counter(
  'node_edac_uncorrectable_errors_total',
  'Total uncorrectable memory errors.',
  'controller',
);
const rowCorrectable = counter(
  'node_edac_csrow_correctable_errors_total',
  'Total correctable memory errors for this csrow.',
  'controller',
  'csrow',
);
const rowUncorrectable = counter(
  'node_edac_csrow_uncorrectable_errors_total',
  'Total uncorrectable memory errors for this csrow.',
  'controller',
  'csrow',
);
const channelCorrectable = counter(
  'node_edac_channel_correctable_errors_total',
  'Total correctable memory errors for this channel.',
  'channel',
  'controller',
  'csrow',
  'dimm_label',
);
const channelUncorrectable = counter(
  'node_edac_channel_uncorrectable_errors_total',
  'Total uncorrectable memory errors for this channel.',
  'channel',
  'controller',
  'csrow',
  'dimm_label',
);

/** The kernel's own name of a slot that nobody labelled: `mc#0csrow#0channel#1`. */
const DEFAULT_LABEL = /^mc#?(\d+)csrow#?(\d+)channel#?(\d+)$/;
const dimmLabel = (text: string): string => text.replace(DEFAULT_LABEL, 'mc$1_csrow$2_channel$3');

const CHANNEL_FILE = /^ch(\d+)_([cu]e)_count$/;

function collectChannels(
  context: CollectorContext,
  sink: MetricSink,
  base: string,
  controller: string,
  row: string,
): void {
  for (const file of listSysIfAny(context, base)) {
    const match = CHANNEL_FILE.exec(file);
    if (match === null) continue;
    const [, channel = '', kind] = match;
    const label = dimmLabel(readSysLine(context, `${base}/ch${channel}_dimm_label`) ?? '');
    const value = sysNumberIfAny(context, `${base}/${file}`);
    if (value === undefined) continue;
    const to = kind === 'ce' ? channelCorrectable : channelUncorrectable;
    sink.add(to, value, channel, controller, row, label);
  }
}

export function edac(context: CollectorContext): Collector {
  const directory = 'devices/system/edac/mc';
  return (sink) => {
    for (const name of listSysIfAny(context, directory)) {
      const controller = name.startsWith('mc') ? name.slice(2) : '';
      if (!/^\d+$/.test(controller)) continue;
      const base = `${directory}/${name}`;
      const number = (file: string): number => sysNumber(context, `${base}/${file}`);
      sink.add(correctable, number('ce_count'), controller);
      sink.add(rowCorrectable, number('ce_noinfo_count'), controller, 'unknown');
      sink.add(uncorrectable, number('ue_count'), controller);
      sink.add(rowUncorrectable, number('ue_noinfo_count'), controller, 'unknown');
      for (const row of listSysIfAny(context, base)) {
        const index = row.startsWith('csrow') ? row.slice('csrow'.length) : '';
        if (!/^\d+$/.test(index)) continue;
        sink.add(rowCorrectable, number(`${row}/ce_count`), controller, index);
        sink.add(rowUncorrectable, number(`${row}/ue_count`), controller, index);
        collectChannels(context, sink, `${base}/${row}`, controller, index);
      }
    }
  };
}
