/** Count and mean of the scores of one item. */
export interface ItemRating {
  readonly item: string;
  readonly count: number;
  readonly mean: number;
}

const MAX_ITEMS = 10_000;

/** The sample's ratings, in the memory of each service; above 10,000 items the oldest is dropped. */
export class Ratings {
  readonly #items = new Map<string, { count: number; sum: number }>();

  add(item: string, score: number): ItemRating {
    const { count, sum } = this.#items.get(item) ?? { count: 0, sum: 0 };
    this.#items.set(item, { count: count + 1, sum: sum + score });
    if (this.#items.size > MAX_ITEMS) {
      const [oldest] = this.#items.keys();
      if (oldest !== undefined) this.#items.delete(oldest);
    }
    return this.get(item);
  }

  get(item: string): ItemRating {
    const { count, sum } = this.#items.get(item) ?? { count: 0, sum: 0 };
    return { item, count, mean: count === 0 ? 0 : sum / count };
  }
}
