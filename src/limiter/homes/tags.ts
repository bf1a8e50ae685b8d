import { nextCrc, SLOTS } from '../redis/hash-slot.ts';

const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

let known: readonly string[] | undefined;

/**
 * The hash tag of a slot: of three characters of `0-9A-Za-z`, the first in this order that hashes to it. Every slot has
 * one. Another choice would give every bucket with a home another key.
 */
export function tagOf(slot: number): string {
  known ??= makeTags();
  const tag = known[slot];
  if (tag === undefined) throw new RangeError(`a slot is 0 to ${SLOTS - 1}; found ${slot}`);
  return tag;
}

function makeTags(): string[] {
  const tags: string[] = new Array(SLOTS);
  const bytes = Buffer.from(CHARACTERS);
  for (const first of bytes) {
    const afterFirst = nextCrc(0, first);
    for (const second of bytes) {
      const afterSecond = nextCrc(afterFirst, second);
      for (const third of bytes)
        tags[nextCrc(afterSecond, third) % SLOTS] ??= String.fromCharCode(first, second, third);
    }
  }
  return tags;
}
