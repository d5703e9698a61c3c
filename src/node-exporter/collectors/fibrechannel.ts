// SPDX-License-Identifier: Apache-2.0
// fibrechannel: hosts of a Fibre Channel network.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter, gauge } from '../sink.ts';
import { listSysIfThere, readSysLine } from '../source.ts';
import { hexadecimal } from '../text.ts';

/** File of `statistics/`, hexadecimal, and what it becomes. */
const statistics: readonly (readonly [file: string, Descriptor])[] = [
  [
    'dumped_frames',
    counter('node_fibrechannel_dumped_frames_total', 'Number of dumped frames', 'fc_host'),
  ],
  [
    'error_frames',
    counter('node_fibrechannel_error_frames_total', 'Number of errors in frames', 'fc_host'),
  ],
  [
    'fcp_packet_aborts',
    counter('node_fibrechannel_fcp_packet_aborts_total', 'Number of aborted packets', 'fc_host'),
  ],
  [
    'invalid_crc_count',
    counter(
      'node_fibrechannel_invalid_crc_total',
      'Invalid Cyclic Redundancy Check count',
      'fc_host',
    ),
  ],
  [
    'invalid_tx_word_count',
    counter(
      'node_fibrechannel_invalid_tx_words_total',
      'Number of invalid words transmitted by host port',
      'fc_host',
    ),
  ],
  [
    'link_failure_count',
    counter(
      'node_fibrechannel_link_failure_total',
      'Number of times the host port link has failed',
      'fc_host',
    ),
  ],
  [
    'loss_of_signal_count',
    counter(
      'node_fibrechannel_loss_of_signal_total',
      'Number of times signal has been lost',
      'fc_host',
    ),
  ],
  [
    'loss_of_sync_count',
    counter(
      'node_fibrechannel_loss_of_sync_total',
      'Number of failures on either bit or transmission word boundaries',
      'fc_host',
    ),
  ],
  [
    'nos_count',
    counter(
      'node_fibrechannel_nos_total',
      'Number Not_Operational Primitive Sequence received by host port',
      'fc_host',
    ),
  ],
  [
    'rx_frames',
    counter('node_fibrechannel_rx_frames_total', 'Number of frames received', 'fc_host'),
  ],
  [
    'rx_words',
    counter('node_fibrechannel_rx_words_total', 'Number of words received by host port', 'fc_host'),
  ],
  [
    'seconds_since_last_reset',
    counter(
      'node_fibrechannel_seconds_since_last_reset_total',
      'Number of seconds since last host port reset',
      'fc_host',
    ),
  ],
  [
    'tx_frames',
    counter(
      'node_fibrechannel_tx_frames_total',
      'Number of frames transmitted by host port',
      'fc_host',
    ),
  ],
  [
    'tx_words',
    counter(
      'node_fibrechannel_tx_words_total',
      'Number of words transmitted by host port',
      'fc_host',
    ),
  ],
];
const info = gauge(
  'node_fibrechannel_info',
  'Non-numeric data from /sys/class/fc_host/<host>, value is always 1.',
  'dev_loss_tmo',
  'fabric_name',
  'fc_host',
  'port_id',
  'port_name',
  'port_state',
  'port_type',
  'speed',
  'supported_classes',
  'supported_speeds',
  'symbolic_name',
);

/** All 64 bits set: the driver has no such counter. */
const UNKNOWN = 2 ** 64;

/** Without the `0x` in front of names and identifiers. */
const bare = (text: string): string => (text.startsWith('0x') ? text.slice(2) : text);

export function fibrechannel(context: CollectorContext): Collector {
  return (sink) => {
    for (const host of listSysIfThere(context, 'class/fc_host')) {
      const base = `class/fc_host/${host}`;
      const of = (file: string): string => readSysLine(context, `${base}/${file}`) ?? '';
      for (const [file, to] of statistics) {
        const text = readSysLine(context, `${base}/statistics/${file}`);
        if (text === undefined) continue;
        const value = hexadecimal(text, `${base}/statistics/${file}`);
        if (value !== UNKNOWN) sink.add(to, value, host);
      }
      sink.add(
        info,
        1,
        of('dev_loss_tmo'),
        bare(of('fabric_name')),
        host,
        bare(of('port_id')),
        bare(of('port_name')),
        of('port_state'),
        of('port_type'),
        of('speed'),
        of('supported_classes'),
        of('supported_speeds'),
        of('symbolic_name'),
      );
    }
  };
}
