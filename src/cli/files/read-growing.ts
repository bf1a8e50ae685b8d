import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from '../../history/history.ts';
import { HistoryReader } from '../../history/reader.ts';
import { CHUNK_BYTES } from './read-history.ts';

const LOOK_MS = 10;

/**
 * Reads a history in one file, not packed, while another thread writes it. `whole` resolves once all of it is written.
 * Throws INVALID_HISTORY.
 */
export async function readGrowing(file: string, whole: Promise<unknown>): Promise<History> {
  let isWhole = false;
  void whole.then(() => {
    isWhole = true;
  });
  const reader = new HistoryReader();
  reader.startFile(file);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let handle: FileHandle | undefined;
  try {
    for (let isLast = false; !isLast; ) {
      isLast = isWhole; // before it is read: what is written later is not missed
      handle ??= await openIfThere(file);
      if (handle !== undefined) await readRest(handle, reader, chunk);
      if (!isLast) await sleep(LOOK_MS); // a race with `whole` would leave a reaction of it at each look
    }
  } finally {
    await handle?.close();
  }
  reader.endFile();
  return reader.finish();
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
}

/** Reads what is there now, by way of `chunk`. */
async function readRest(handle: FileHandle, reader: HistoryReader, chunk: Uint8Array): Promise<void> {
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return;
    reader.push(chunk.subarray(0, bytesRead));
  }
}
