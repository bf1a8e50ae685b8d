import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { Fifo } from './fifo.ts';

describe('a queue', () => {
  it('gives what it got in order, however far it grew and went round', () => {
    const random = makeRandom(1, 'fifo');
    const fifo = new Fifo<number>();
    const want: number[] = [];
    for (let nth = 0; nth < 1_000; nth++) {
      if (random() < 0.55) {
        fifo.push(nth);
        want.push(nth);
      } else expect(fifo.shift()).toBe(want.shift());
      expect([fifo.first, fifo.isEmpty]).toEqual([want[0], want.length === 0]);
    }
    expect(want.length).toBeGreaterThan(20);
    expect(fifo.takeAll()).toEqual(want);
    expect([fifo.isEmpty, fifo.shift()]).toEqual([true, undefined]);
  });
});
