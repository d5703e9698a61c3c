// SPDX-License-Identifier: Apache-2.0
// A data directory as tools read it: nothing in it is changed.

import type { FileHandle, FileSystem } from '../../base/index.ts';
import { FileError } from '../../base/index.ts';
import type { Queryable } from '../../storage/index.ts';
import { mergeQueriers } from '../../storage/index.ts';
import {
  BlockError,
  BlockQuerier,
  BlockReader,
  DEFAULT_CHUNK_RANGE_MS,
  Head,
  HeadReader,
  isPartOfItsTime,
  isUlid,
  PageCache,
  PlainChunkMemory,
  replayWal,
} from '../../tsdb/index.ts';
import type { CommandHost } from '../command.ts';
import { CommandError } from '../command.ts';

const CACHE_BYTES = 64 << 20;
const SCRATCH_BYTES = 512 << 20;

/** The blocks of a directory, from old to new. @throws CommandError, BlockError */
export function openBlocks(files: FileSystem, directory: string): BlockReader[] {
  let names: string[];
  try {
    files.statSync(directory);
    names = files.listSync(directory).filter(isUlid);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new CommandError(`opening the db dir: stat ${directory}: no such file or directory`);
  }
  const cache = new PageCache(CACHE_BYTES);
  const blocks = names.map((name) => new BlockReader(files, `${directory}/${name}`, cache));
  return blocks.sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime);
}

/** Refuses everything that would change a file. */
function readOnly(files: FileSystem): FileSystem {
  const refuse = (path: string): never => {
    throw new FileError('EACCES', path, `cannot change ${path}: it is only read here`);
  };
  const open = (path: string, mode: 'read' | 'write' | 'readwrite'): FileHandle =>
    mode === 'read' ? files.openSync(path, mode) : refuse(path);
  return {
    ...files,
    openSync: open,
    writeFileSync: refuse,
    renameSync: refuse,
    removeSync: refuse,
    removeTreeSync: refuse,
    makeDirectorySync: refuse,
  };
}

/**
 * Blocks and what the log says the head holds.
 * @throws CommandError, BlockError, FileError, TsdbError
 */
export async function openDirectory(
  host: CommandHost,
  directory: string,
): Promise<Queryable & { close(): void }> {
  const blocks = openBlocks(host.files, directory);
  const head = await readHead(host, directory, blocks);
  const memory = new PlainChunkMemory();
  return {
    querier: () =>
      mergeQueriers([
        ...blocks.map((block) => new BlockQuerier(block, memory)),
        ...(head === undefined ? [] : [head.querier()]),
      ]),
    close: () => {
      for (const block of blocks) block.close();
    },
  };
}

/** The head that the log makes; undefined where there is no log. */
async function readHead(
  host: CommandHost,
  directory: string,
  blocks: readonly BlockReader[],
): Promise<HeadReader | undefined> {
  const { logger } = host;
  const wal = `${directory}/wal`;
  if (!host.files.existsSync(wal)) return undefined;
  const heap = host.newHeap();
  const head = new Head(heap, { chunkRangeMs: DEFAULT_CHUNK_RANGE_MS, wal: undefined });
  for (const { meta } of blocks) if (!isPartOfItsTime(meta)) head.setFloor(meta.maxTime);
  const codecs = { snappy: host.snappy, ...(host.zstd === undefined ? {} : { zstd: host.zstd }) };
  const files = readOnly(host.files);
  await replayWal({ files, logger, directory: wal, codecs, head });
  head.reserveScratch(0, SCRATCH_BYTES);
  return new HeadReader(heap.shared, 0);
}

/** The block of a name, the newest when it is ''. @throws CommandError */
export function findBlock(blocks: readonly BlockReader[], ulid: string): BlockReader {
  const found = ulid === '' ? blocks.at(-1) : blocks.find(({ meta }) => meta.ulid === ulid);
  if (found === undefined) throw new CommandError(`block ${ulid} not found`);
  return found;
}

/** What a command says when its data cannot be read. */
export const isReadError = (error: unknown): error is Error =>
  error instanceof BlockError || error instanceof FileError;
