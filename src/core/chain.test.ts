import { describe, expect, it } from 'vitest';
import { Chain, type Linked } from './chain.ts';
import { makeRandom } from './prng.ts';

class Item implements Linked<Item> {
  isLinked = false;
  before: Item | undefined;
  after: Item | undefined;
  readonly nth: number;

  constructor(nth: number) {
    this.nth = nth;
  }
}

describe('a chain', () => {
  it('has what came and did not leave, in the order in which it came', () => {
    const random = makeRandom(1, 'chain');
    const chain = new Chain<Item>();
    const want: Item[] = [];
    for (let nth = 0; nth < 1_000; nth++) {
      const item = want[Math.floor(random() * want.length)];
      if (item === undefined || random() < 0.55) {
        want.push(new Item(nth));
        chain.add(want.at(-1) as Item);
      } else {
        want.splice(want.indexOf(item), 1);
        expect([chain.remove(item), chain.remove(item)]).toEqual([true, false]);
      }
      expect([chain.first?.nth, chain.size]).toEqual([want[0]?.nth, want.length]);
    }
    expect(want.length).toBeGreaterThan(20);
    for (const item of want) {
      expect(chain.first).toBe(item);
      chain.remove(item);
    }
    expect([chain.first, chain.size]).toEqual([undefined, 0]);
  });
});
