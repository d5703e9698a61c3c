// SPDX-License-Identifier: Apache-2.0
// The answer to a scrape: our own metrics and all that was pushed, by name. Families that nothing changed
// in are bytes already.

import { ProtobufWriter } from '../encoding/index.ts';
import type { Exposition } from '../metrics/index.ts';
import {
  compareMetrics,
  openMetricsHead,
  openMetricsLines,
  ProtobufFamilyWriter,
  textHead,
  textLines,
  writeProtobuf,
} from '../metrics/index.ts';
import type { EscapingScheme, Metric, MetricFamily } from '../model/index.ts';
import { compareText, escapeName } from '../model/index.ts';
import type { FamilyIndex } from './family-index.ts';
import type { PushStore } from './store.ts';

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function escapedMetric(metric: Metric, scheme: EscapingScheme): Metric {
  const pairs: [string, string][] = [];
  for (let i = 0; i < metric.labels.length; i += 2)
    pairs.push([escapeName(metric.labels[i]!, scheme), metric.labels[i + 1]!]);
  pairs.sort(([a], [b]) => compareText(a, b));
  return { ...metric, labels: pairs.flat() };
}

function escapedFamily(family: MetricFamily, scheme: EscapingScheme): MetricFamily {
  const metrics = family.metrics.map((metric) => escapedMetric(metric, scheme));
  return { ...family, name: escapeName(family.name, scheme), metrics };
}

const encoder = new TextEncoder();

/** Without help there is no HELP line in the text format. */
function head(family: Omit<MetricFamily, 'metrics'>, format: 'text' | 'openmetrics'): string {
  const lines = format === 'text' ? textHead(family) : openMetricsHead(family);
  return family.help === '' ? lines.slice(lines.indexOf('\n') + 1) : lines;
}

/** One scrape in one format. */
class Page {
  private readonly exposition: Exposition;
  private readonly store: PushStore;
  private readonly parts: Uint8Array[] = [];
  private readonly writer = new ProtobufFamilyWriter();

  constructor(exposition: Exposition, store: PushStore) {
    this.exposition = exposition;
    this.store = store;
  }

  /** A family given as objects. */
  family(family: MetricFamily): void {
    const { format, escaping } = this.exposition;
    const escaped = escapedFamily(family, escaping);
    if (format === 'protobuf') this.parts.push(writeProtobuf([escaped]).slice());
    else {
      const lines = format === 'text' ? textLines(escaped) : openMetricsLines(escaped);
      this.parts.push(encoder.encode(head(escaped, format) + lines));
    }
  }

  /** A family as it was pushed. */
  pushed(index: FamilyIndex): void {
    const { format, escaping } = this.exposition;
    const { name, help, type, unit } = index.first;
    const about = { name, help, type, unit };
    const asIs = escaping === 'allow-utf-8' || (escaping !== 'dots' && index.hasLegacyNames);
    const messages = format === 'protobuf' && asIs ? index.protobufParts() : undefined;
    if (!asIs || (format === 'protobuf' && messages === undefined)) {
      this.family({ ...about, metrics: index.metrics() });
    } else if (format !== 'protobuf') {
      this.parts.push(encoder.encode(head(about, format)), index.linesIn(format));
    } else if (messages !== undefined) {
      const start = new ProtobufWriter(128);
      this.writer.headFields(start, about);
      let length = start.bytes().length;
      for (const message of messages) length += message.length;
      const prefix = new ProtobufWriter(16);
      prefix.uvarint(length);
      this.parts.push(prefix.bytes(), start.bytes());
      for (const message of messages) this.parts.push(message);
    }
  }

  write(own: readonly MetricFamily[]): Uint8Array {
    const names = this.store.familyNames();
    let k = 0;
    for (const name of names) {
      while (k < own.length && compareText(own[k]!.name, name) < 0) this.family(own[k++]!);
      const index = this.store.families.get(name);
      if (index === undefined || index.isEmpty) continue;
      if (k < own.length && own[k]!.name === name) {
        // Somebody pushes under a name of ours: help and type are ours.
        const metrics = [...own[k]!.metrics, ...index.metrics()].sort(compareMetrics);
        this.family({ ...own[k++]!, metrics });
      } else this.pushed(index);
    }
    while (k < own.length) this.family(own[k++]!);
    if (this.exposition.format === 'openmetrics') this.parts.push(encoder.encode('# EOF\n'));
    return joined(this.parts);
  }
}

/** The page for a scrape. Cost: copying what is unchanged, writing what is not. */
export function renderPage(
  exposition: Exposition,
  store: PushStore,
  own: readonly MetricFamily[],
): Uint8Array {
  return new Page(exposition, store).write(own);
}
