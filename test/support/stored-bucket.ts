import type { Redis } from 'ioredis';

/** What the scripts keep of one subject, in whole numbers. */
export interface StoredBucket {
  readonly updatedAtUs: number;
  readonly levelsQuanta: readonly number[];
}

/** As versions before units packed it: little-endian doubles. */
export function packBucket(updatedAtUs: number, ...levelsQuanta: number[]): Buffer {
  return doubles([updatedAtUs, ...levelsQuanta]);
}

/** A level, with the unit of the policy that wrote it. */
export interface Packed {
  readonly levelQuanta: number;
  readonly quantaPerToken: number;
  readonly mostTokens: number;
}

/** As the scripts pack it: little-endian doubles, then the number of policies as a byte. */
export function packUnits(
  updatedAtUs: number,
  levels: readonly Packed[],
  reservations: readonly (readonly number[])[] = [],
): Buffer {
  const numbers = [
    updatedAtUs,
    ...levels.map(({ levelQuanta }) => levelQuanta),
    ...levels.flatMap(({ quantaPerToken, mostTokens }) => [quantaPerToken, mostTokens]),
    ...reservations.flat(),
  ];
  return Buffer.concat([doubles(numbers), Buffer.of(levels.length)]);
}

/** Reads a key of a bucket; undefined where there is none. */
export async function storedBucket(client: Redis, key: string): Promise<StoredBucket | undefined> {
  const bytes = await client.getBuffer(key);
  if (bytes === null) return undefined;
  const policies = bytes.length % 8 === 1 ? (bytes.at(-1) ?? 0) : bytes.length / 8 - 1;
  const levelsQuanta = Array.from({ length: policies }, (_, i) => bytes.readDoubleLE(8 * (i + 1)));
  return { updatedAtUs: bytes.readDoubleLE(0), levelsQuanta };
}

function doubles(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, value] of numbers.entries()) bytes.writeDoubleLE(value, 8 * i);
  return bytes;
}
