import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keySlot, SLOTS } from '../redis/hash-slot.ts';
import { tagOf } from './tags.ts';

const tags = Array.from({ length: SLOTS }, (_, slot) => tagOf(slot));

describe('the tags', () => {
  it('hash to their slots, each to its own', () => {
    expect(
      tags.filter((tag, slot) => !/^[0-9A-Za-z]{3}$/.test(tag) || keySlot(`p:{${tag}}:u:e`) !== slot),
    ).toEqual([]);
  });

  it('are the first of three characters in their order', () => {
    const characters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((c) =>
      /[0-9A-Za-z]/.test(c),
    );
    const first = new Map<number, string>();
    for (const a of characters)
      for (const b of characters)
        for (const c of characters) {
          const slot = keySlot(a + b + c);
          if (!first.has(slot)) first.set(slot, a + b + c);
        }
    expect(tags).toEqual(Array.from({ length: SLOTS }, (_, slot) => first.get(slot)));
  });

  it('never change: two versions with other tags would each have a bucket of their own', () => {
    expect(createHash('sha256').update(tags.join()).digest('hex')).toBe(
      '9cf49c6be958011e4d541eb1571c651eb2de0ed1071c632fe136e1d8f5636f44',
    );
  });

  it('are of slots only', () => {
    for (const slot of [-1, SLOTS, 0.5]) expect(() => tagOf(slot)).toThrow(/a slot is 0 to 16383; found/);
  });
});
