import type { Script } from '../../src/limiter/redis/script.ts';
import type { Data, Engine } from '../../src/simulation/nodes/data.ts';

/** Data of nodes that has counters only. */
export class Counters implements Data {
  readonly #counts = new Map<string, number>();
  #effects: (readonly [string, number])[] = [];

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): number {
    const count = this.get(key) + 1;
    this.#effects.push([key, count]);
    this.#counts.set(key, count);
    return count;
  }

  takeEffects(): readonly unknown[] {
    return this.#effects.splice(0);
  }

  apply(effect: readonly [string, number]): void {
    this.#counts.set(...effect);
  }

  copy(): Counters {
    const copy = new Counters();
    for (const entry of this.#counts) copy.#counts.set(...entry);
    return copy;
  }

  clear(): void {
    this.#counts.clear();
  }
}

/** Adds one to a counter, and replies its count and the clock. */
export const ADD: Script = { name: 'add', source: '', sha: 'add' };

export const countingEngine: Engine = {
  run(_script, [key = ''], _args, { store, clockUs, isReplica }) {
    const counters = store as Counters;
    if (isReplica) return { error: "READONLY You can't write against a read only replica." };
    return { values: [counters.add(key), clockUs] };
  },
};
