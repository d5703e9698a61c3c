// SPDX-License-Identifier: Apache-2.0
// Sections of Alertmanager's configuration that are checked, and have no effect in this version.

import { readHeaders, readTls } from './http-section.ts';
import { YamlMapping, type YamlValue } from './yaml-value.ts';

/** `tracing`: where spans would go. */
function readTracing(value: YamlValue, directory: string): void {
  const mapping = new YamlMapping(value);
  const type = mapping.text('client_type') ?? 'grpc';
  if (type !== 'http' && type !== 'grpc')
    mapping.fail(`expected tracing client type to be to be http or grpc, but got ${type}`);
  if ((mapping.text('endpoint') ?? '') === '') mapping.fail('tracing endpoint must be set');
  const compression = mapping.text('compression') ?? '';
  if (compression !== '' && compression !== 'gzip')
    mapping.fail(`invalid compression type ${compression} provided, valid options: gzip`);
  mapping.get('sampling_fraction')?.number();
  mapping.boolean('insecure');
  mapping.duration('timeout');
  const tls = mapping.get('tls_config');
  if (tls !== undefined) readTls(tls, directory);
  readHeaders(mapping.get('headers'), directory);
  mapping.finish();
}

const recorderOutputs = ['file_outputs', 'stdout_outputs', 'webhook_outputs', 'kafka_outputs'];

/** `event_recorder`: lists of outputs, whose keys are not looked at. */
function readEventRecorder(value: YamlValue): void {
  const mapping = new YamlMapping(value);
  for (const key of recorderOutputs)
    for (const item of mapping.get(key)?.items() ?? []) item.toPlain();
  mapping.finish();
}

/** A part of the configuration that was accepted and does nothing. */
export interface IdleSection {
  readonly path: string;
  readonly line: number;
}

/** Reads both sections. @returns those that are there */
export function readLaterSections(mapping: YamlMapping, directory: string): IdleSection[] {
  const tracing = mapping.get('tracing');
  if (tracing !== undefined) readTracing(tracing, directory);
  const recorder = mapping.get('event_recorder');
  if (recorder !== undefined) readEventRecorder(recorder);
  return [tracing, recorder].flatMap((value) =>
    value === undefined ? [] : [{ path: value.path, line: value.line }],
  );
}
