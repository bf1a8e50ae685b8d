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
  const written = whole.then(() => {
    isWhole = true;
  });
  const reader = new HistoryReader();
  reader.startFile(file);
  let handle: FileHandle | undefined;
  try {
    for (let isLast = false; !isLast; ) {
      isLast = isWhole; // before it is read: what is written later is not missed
      handle ??= await openIfThere(file);
      if (handle !== undefined) await readRest(handle, reader);
      if (!isLast) await Promise.race([written, sleep(LOOK_MS)]);
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

/** Reads what is there now. */
async function readRest(handle: FileHandle, reader: HistoryReader): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return;
    reader.push(chunk.subarray(0, bytesRead));
  }
}
