import type { Redis } from 'ioredis';

/** What the scripts keep of one subject, in whole numbers. */
export interface StoredBucket {
  readonly updatedAtUs: number;
  readonly levelsQuanta: readonly number[];
}

/** As the scripts pack it: little-endian doubles. */
export function packBucket(updatedAtUs: number, ...levelsQuanta: number[]): Buffer {
  const bytes = Buffer.alloc(8 * (1 + levelsQuanta.length));
  for (const [i, value] of [updatedAtUs, ...levelsQuanta].entries()) bytes.writeDoubleLE(value, 8 * i);
  return bytes;
}

/** Reads a key of a bucket; undefined where there is none. */
export async function storedBucket(client: Redis, key: string): Promise<StoredBucket | undefined> {
  const bytes = await client.getBuffer(key);
  if (bytes === null) return undefined;
  const [updatedAtUs = Number.NaN, ...levelsQuanta] = Array.from({ length: bytes.length / 8 }, (_, i) =>
    bytes.readDoubleLE(8 * i),
  );
  return { updatedAtUs, levelsQuanta };
}
