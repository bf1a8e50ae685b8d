import { crc32 } from 'node:zlib';
import type { HomeRegion } from './table.ts';

const MOST_TRIES = 128;
/** 2^32 divided by the golden ratio: its multiples are spread evenly. */
const STEP = 0x9e3779b9;

/**
 * The slot of a bucket in a region, by its escaped name. The candidates are the same for every table, so another table
 * moves only buckets whose slot left the region, or that find a slot which came to it. Those that find none of their
 * candidates move with every table: one in 3,000 if the region owns 1,000 slots, half of them if it owns 90.
 */
export function slotIn({ slots, owns }: Pick<HomeRegion, 'slots' | 'owns'>, name: string): number {
  const hash = mix(crc32(name));
  for (let tried = 0; tried < MOST_TRIES; tried++) {
    const candidate = mix(hash + Math.imul(tried, STEP)) >>> 18;
    if (owns(candidate)) return candidate;
  }
  return slots[hash % slots.length] as number;
}

/** The finalizer of MurmurHash3: each bit of the result depends on every bit of the argument. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
