// SPDX-License-Identifier: Apache-2.0
// os: which distribution this is, from its os-release file.

import { FileError } from '../../base/index.ts';
import type { Collector, CollectorContext } from '../collector.ts';
import { NoDataError } from '../collector.ts';
import { gauge } from '../sink.ts';
import { eachLine } from '../text.ts';

const labels = [
  ...['build_id', 'id', 'id_like', 'image_id', 'image_version', 'name', 'pretty_name', 'variant'],
  ...['variant_id', 'version', 'version_codename', 'version_id'],
];
const info = gauge(
  'node_os_info',
  "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.",
  ...labels,
);
const version = gauge(
  'node_os_version',
  'Metric containing the major.minor part of the OS version.',
  'id',
  'id_like',
  'name',
);
const supportEnd = gauge(
  'node_os_support_end_timestamp_seconds',
  'Metric containing the end-of-life date timestamp of the OS.',
);

/** Where it may be, below the root. */
const files = ['etc/os-release', 'usr/lib/os-release'];

interface Release {
  readonly path: string;
  readonly modifiedMs: number;
  readonly values: ReadonlyMap<string, string>;
}

/** A value as a shell would read it: quotes off, backslashes kept for what they protect. */
function unquote(text: string): string {
  const quote = text[0];
  if ((quote !== '"' && quote !== "'") || !text.endsWith(quote) || text.length < 2) return text;
  const inside = text.slice(1, -1);
  return quote === "'" ? inside : inside.replace(/\\([\\"$`])/g, '$1');
}

function parse(text: string): Map<string, string> {
  const values = new Map<string, string>();
  eachLine(text, (line) => {
    const equals = line.indexOf('=');
    if (line.startsWith('#') || equals < 1) return;
    values.set(line.slice(0, equals).trim(), unquote(line.slice(equals + 1).trim()));
  });
  return values;
}

/** `20.04.2` → 20.04: as much of it as is a number. */
function majorMinor(text: string): number | undefined {
  const match = /^[^\d]*(\d+(?:\.\d+)?)/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

export function os(context: CollectorContext): Collector {
  const root = context.paths.rootfs === '/' ? '' : context.paths.rootfs;
  let last: Release | undefined;
  /** Read again only when the file has changed. */
  const read = (): Release => {
    for (const file of files) {
      const path = `${root}/${file}`;
      try {
        const { modifiedMs } = context.files.statSync(path);
        if (last?.path === path && last.modifiedMs === modifiedMs) return last;
        last = { path, modifiedMs, values: parse(context.files.readTextSync(path)) };
        return last;
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
      }
    }
    throw new NoDataError('there is no os-release file');
  };
  return (sink) => {
    const { values } = read();
    const of = (key: string): string => values.get(key) ?? '';
    sink.add(info, 1, ...labels.map((label) => of(label.toUpperCase())));
    const number = majorMinor(of('VERSION_ID'));
    if (number !== undefined && number > 0)
      sink.add(version, number, of('ID'), of('ID_LIKE'), of('NAME'));
    const end = Date.parse(`${of('SUPPORT_END')}T00:00:00Z`);
    if (!Number.isNaN(end)) sink.add(supportEnd, end / 1000);
  };
}
