// SPDX-License-Identifier: Apache-2.0
// `promtool tsdb list`: the blocks of a directory.

import type { BlockMeta } from '../../tsdb/index.ts';
import type { Command } from '../command.ts';
import { base2Bytes, goDuration, goTime, table } from '../go-text.ts';
import { openBlocks } from './open-blocks.ts';

const CELL_COLUMNS = 13;
export const DEFAULT_PATH = 'data/';

/** One line for each block, below a header. */
export function blockTable(
  blocks: readonly { readonly meta: BlockMeta; readonly sizeBytes: number }[],
  humanReadable: boolean,
  withHeader = true,
): string {
  const header = [
    'BLOCK ULID',
    'MIN TIME',
    'MAX TIME',
    'DURATION',
    'NUM SAMPLES',
    'NUM CHUNKS',
    'NUM SERIES',
    'SIZE',
  ];
  const rows = blocks.map(({ meta, sizeBytes }) => [
    meta.ulid,
    humanReadable ? goTime(meta.minTime) : String(meta.minTime),
    humanReadable ? goTime(meta.maxTime) : String(meta.maxTime),
    goDuration(meta.maxTime - meta.minTime),
    String(meta.stats.numSamples),
    String(meta.stats.numChunks),
    String(meta.stats.numSeries),
    humanReadable ? base2Bytes(sizeBytes) : String(sizeBytes),
  ]);
  return table(withHeader ? [header, ...rows] : rows, CELL_COLUMNS);
}

export const listCommand: Command = {
  words: ['tsdb', 'list'],
  help: 'List tsdb blocks.',
  flags: [
    {
      name: 'human-readable',
      short: 'r',
      kind: 'switch',
      help: 'Print human readable values.',
    },
  ],
  args: [{ name: 'db path', help: 'Database path (default is data/).', byDefault: DEFAULT_PATH }],
  run: async (values, { files, out }) => {
    const directory = values.text('db path').replace(/(.)\/+$/, '$1');
    const blocks = openBlocks(files, directory);
    const rows = blocks.map((block) => {
      const sizeBytes = ['meta.json', 'tombstones']
        .map((name) => `${block.directory}/${name}`)
        .filter((path) => files.existsSync(path))
        .reduce((sum, path) => sum + files.statSync(path).sizeBytes, block.sizeBytes);
      return { meta: block.meta, sizeBytes };
    });
    out(blockTable(rows, values.flag('human-readable')));
    for (const block of blocks) block.close();
    return 0;
  },
};
