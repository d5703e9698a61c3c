// SPDX-License-Identifier: Apache-2.0
// xfrm: errors of the kernel's IPsec.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { counter } from '../sink.ts';
import { readProcIfThere } from '../source.ts';
import { decimal, eachLine, fields } from '../text.ts';

/** Upstream's texts by the kernel's names. */
const texts: readonly (readonly [field: string, help: string])[] = [
  ['XfrmInError', 'All errors not matched by other'],
  ['XfrmInBufferError', 'No buffer is left'],
  ['XfrmInHdrError', 'Header error'],
  [
    'XfrmInNoStates',
    'No state is found i.e. Either inbound SPI, address, or IPsec protocol at SA is wrong',
  ],
  ['XfrmInStateProtoError', 'Transformation protocol specific error e.g. SA key is wrong'],
  ['XfrmInStateModeError', 'Transformation mode specific error'],
  ['XfrmInStateSeqError', 'Sequence error i.e. Sequence number is out of window'],
  ['XfrmInStateExpired', 'State is expired'],
  ['XfrmInStateMismatch', 'State has mismatch option e.g. UDP encapsulation type is mismatch'],
  ['XfrmInStateInvalid', 'State is invalid'],
  [
    'XfrmInTmplMismatch',
    'No matching template for states e.g. Inbound SAs are correct but SP rule is wrong',
  ],
  ['XfrmInNoPols', 'No policy is found for states e.g. Inbound SAs are correct but no SP is found'],
  ['XfrmInPolBlock', 'Policy discards'],
  ['XfrmInPolError', 'Policy error'],
  ['XfrmOutError', 'All errors which is not matched others'],
  ['XfrmOutBundleGenError', 'Bundle generation error'],
  ['XfrmOutBundleCheckError', 'Bundle check error'],
  ['XfrmOutNoStates', 'No state is found'],
  ['XfrmOutStateProtoError', 'Transformation protocol specific error'],
  ['XfrmOutStateModeError', 'Transformation mode specific error'],
  ['XfrmOutStateSeqError', 'Sequence error i.e. Sequence number overflow'],
  ['XfrmOutStateExpired', 'State is expired'],
  ['XfrmOutPolBlock', 'Policy discards'],
  ['XfrmOutPolDead', 'Policy is dead'],
  ['XfrmOutPolError', 'Policy error'],
  ['XfrmFwdHdrError', 'Forward routing of a packet is not allowed'],
  ['XfrmOutStateInvalid', 'State is invalid, perhaps expired'],
  ['XfrmAcquireError', 'State hasn’t been fully acquired before use'],
];

/** `XfrmInNoStates` → `in_no_states`. */
const snakeCase = (field: string): string =>
  field
    .slice('Xfrm'.length)
    .replace(/[A-Z]/g, (c, at: number) => (at === 0 ? '' : '_') + c.toLowerCase());

const descriptors: ReadonlyMap<string, Descriptor> = new Map(
  texts.map(([field, help]) => [
    field,
    counter(`node_xfrm_${snakeCase(field)}_packets_total`, help),
  ]),
);

export function xfrm(context: CollectorContext): Collector {
  return (sink) => {
    const values = new Map<string, number>();
    eachLine(readProcIfThere(context, 'net/xfrm_stat'), (line) => {
      const [name = '', value] = fields(line);
      values.set(name, decimal(value, `xfrm_stat ${name}`));
    });
    for (const [field, to] of descriptors) sink.add(to, values.get(field) ?? 0);
  };
}
