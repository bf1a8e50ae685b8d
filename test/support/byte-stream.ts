import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { makeRandom } from '../../src/core/prng.ts';

const BLOCK_BYTES = 256 * 1024;

/** Random bytes, so that a piece lost, doubled or out of place changes the hash. */
export function makeBlocks(seed: number, count = 16): Buffer[] {
  const random = makeRandom(seed, 'byte-stream');
  return Array.from({ length: count }, () => {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < BLOCK_BYTES; at += 4) block.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
    return block;
  });
}

/** Sends `totalBytes` in pieces of odd sizes, ends, and gives the hash of what it sent. */
export async function sendBytes(
  socket: Socket,
  totalBytes: number,
  blocks: readonly Buffer[],
): Promise<string> {
  const hash = createHash('sha256');
  let sent = 0;
  for (let turn = 0; sent < totalBytes; turn++) {
    const block = blocks[turn % blocks.length] ?? Buffer.alloc(0);
    const piece = block.subarray(turn % 1_021, Math.min(block.length, (turn % 1_021) + totalBytes - sent));
    hash.update(piece);
    sent += piece.length;
    if (!socket.write(piece)) {
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
      });
    }
  }
  socket.end();
  return hash.digest('hex');
}

/** The hash and the number of all bytes until the end. */
export async function hashBytes(socket: Socket): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  socket.on('data', (data) => {
    hash.update(data);
    bytes += data.length;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  return { hash: hash.digest('hex'), bytes };
}
