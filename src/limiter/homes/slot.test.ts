import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { bucketName } from '../options/key.ts';
import { SLOTS } from '../redis/hash-slot.ts';
import { slotIn } from './slot.ts';
import { type HomeRegion, readHomesTable } from './table.ts';

/** Regions of equal size: r0, r1, and so on. */
function regionsOf(count: number): HomeRegion[] {
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.ceil((i * SLOTS) / count));
  const written = Array.from({ length: count }, (_, i) => [
    `r${i}`,
    { slots: `${bounds[i]}-${(bounds[i + 1] ?? 0) - 1}` },
  ]);
  const table = { format: 'openclaw-homes', version: 1, regions: Object.fromEntries(written) };
  return [...readHomesTable(table).values()];
}

const regionOf = (slots: string): HomeRegion => {
  const table = { format: 'openclaw-homes', version: 1, regions: { a: { slots } } };
  return readHomesTable(table).get('a') as HomeRegion;
};

const USERS = 100_000;
const names = Array.from({ length: USERS }, (_, i) => bucketName({ user: `u${i}`, endpoint: 'ratings' }));

/** The value that chi-square of so many degrees of freedom exceeds once in a thousand times (Wilson and Hilferty). */
const mostChiSquare = (freedom: number) =>
  freedom * (1 - 2 / (9 * freedom) + 3.0902 * Math.sqrt(2 / (9 * freedom))) ** 3;

describe.each([
  ['consecutive names', names],
  ['random names', names.map((name) => createHash('md5').update(name).digest('base64url'))],
  [
    'long names that differ in their middle',
    names.map((name) => `${'x'.repeat(60)}${name}${'y'.repeat(60)}`),
  ],
])('100,000 users by %s', (_, users) => {
  it.each([1, 3, 9])(
    'are spread evenly over the slots of one of %d regions',
    (count) => {
      for (const region of regionsOf(count)) {
        const perSlot = new Map(region.slots.map((slot) => [slot, 0]));
        for (const user of users) {
          const slot = slotIn(region, user);
          perSlot.set(slot, (perSlot.get(slot) ?? Number.NaN) + 1); // of another region: NaN
        }
        const counts = region.slots.map((slot) => perSlot.get(slot) ?? 0);
        const mean = USERS / counts.length;
        const chiSquare = counts.reduce((sum, found) => sum + (found - mean) ** 2 / mean, 0);
        expect(chiSquare).toBeLessThan(mostChiSquare(counts.length - 1));
        expect(Math.max(...counts)).toBeLessThanOrEqual(3.5 * mean);
        for (const primaries of [2, 3]) {
          const shares = new Array(primaries).fill(0);
          for (const [i, found] of counts.entries())
            shares[Math.floor((i * primaries) / counts.length)] += found;
          expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.05);
        }
      }
    },
    60_000,
  );
});

describe('slotIn', () => {
  it('never changes: two versions with other slots would each have a bucket of their own', () => {
    const [, second] = regionsOf(3) as [HomeRegion, HomeRegion, HomeRegion];
    const slots = names.slice(0, 1_000).map((name) => slotIn(second, name));
    expect(slots.slice(0, 5)).toEqual([9003, 9375, 6207, 6583, 8005]);
    expect(createHash('sha256').update(slots.join()).digest('hex')).toBe(
      '4301286f4d2fa55efd557da780cb1bed1ff1b5d06b4ce18064aea377ff70fddc',
    );
  });

  it.each(['0', '16383', '8191', '7,9000', '100-102,5'])(
    'finds a slot of a region that owns only %s',
    (slots) => {
      const region = regionOf(slots);
      const found = names.slice(0, 20_000).map((name) => slotIn(region, name));
      const counts = region.slots.map((slot) => found.filter((each) => each === slot).length);
      expect(counts.reduce((sum, count) => sum + count)).toBe(found.length);
      for (const count of counts) expect(count / (found.length / counts.length)).toBeCloseTo(1, 0.7);
    },
  );

  it('falls back after 128 tries to a slot that the hash chooses', () => {
    const none = vi.fn(() => false);
    const slots = [...Array(100).keys()];
    const found = names.slice(0, 1_000).map((name) => slotIn({ slots, owns: none }, name));
    expect(none).toHaveBeenCalledTimes(128 * 1_000);
    expect(new Set(found).size).toBe(100);
  });

  it('keeps a user whose slot stays, and moves one whose slot leaves', () => {
    const [before] = regionsOf(3) as [HomeRegion];
    const after = regionOf('0-5000');
    for (const name of names.slice(0, 10_000)) {
      const [from, to] = [slotIn(before, name), slotIn(after, name)];
      expect(to === from).toBe(after.owns(from));
    }
  });

  it('moves a user to a slot that came, and to no other', () => {
    const [before] = regionsOf(3) as [HomeRegion];
    const after = regionOf('0-5999');
    let moved = 0;
    for (const name of names.slice(0, 10_000)) {
      const [from, to] = [slotIn(before, name), slotIn(after, name)];
      if (to === from) continue;
      expect(before.owns(to)).toBe(false);
      moved++;
    }
    expect(moved / 10_000).toBeCloseTo(1 - 5_462 / 6_000, 1);
  });
});
