import { groupBy } from '../../core/group-by.ts';
import type { History } from '../../history/history.ts';

/** Where a limiter is asked: each region or target, or each instance of one, as far as the history names them. */
export interface Sides {
  readonly names: readonly string[];
  /** The number of the side that an operation was sent to; -1 where the history does not say it. */
  of(row: number): number;
}

/** The sides of a history. `instances`: how many each region of a run has, whether or not all of them answered. */
export function sidesOf(
  { header, operations: table }: Pick<History, 'header' | 'operations'>,
  instances = 1,
): Sides {
  const byRegion = groupBy(table.allOrigins, ({ region }) => region);
  const planned = instances > 1 ? Array.from({ length: instances }, (_, at) => `${at + 1}`) : [];
  const numbers = new Map<string, number>();
  const add = (region: string, instance = '') => {
    const name = sideName(region, instance);
    if (name !== '' && !numbers.has(name)) numbers.set(name, numbers.size);
  };
  for (const region of new Set([...header.regions, ...byRegion.keys()])) {
    const seen = (byRegion.get(region) ?? []).map(({ instance }) => instance).filter((name) => name !== '');
    const own = [...(header.regions.includes(region) ? planned : []), ...seen];
    if (own.length === 0) add(region);
    for (const instance of own) add(region, instance);
  }
  const ofOrigin = table.allOrigins.map(
    ({ region, instance }) => numbers.get(sideName(region, instance)) ?? -1,
  );
  return {
    names: [...numbers.keys()],
    of: (row) => ofOrigin[table.origins[row] as number] ?? -1,
  };
}

function sideName(region: string, instance: string): string {
  return [region, instance].filter((text) => text !== '').join(' ');
}

/** The most sides that are named. */
const MOST_NAMED = 5;

export function namesOfSides(sides: readonly string[]): string {
  const named = sides.slice(0, MOST_NAMED).join(', ');
  return sides.length > MOST_NAMED ? `${named} and ${sides.length - MOST_NAMED} more` : named;
}

/** Which of some places are connected. */
export class Groups {
  readonly #parents: Int32Array;

  constructor(places: number) {
    this.#parents = Int32Array.from({ length: places }, (_, place) => place);
  }

  /** The same number for all places of a group. */
  of(place: number): number {
    let root = place;
    while (this.#parents[root] !== root) root = this.#parents[root] as number;
    this.#parents[place] = root;
    return root;
  }

  join(one: number, other: number): void {
    this.#parents[this.of(one)] = this.of(other);
  }

  /** The places of the largest group. */
  largest(): readonly number[] {
    const groups = groupBy([...this.#parents.keys()], (place) => this.of(place));
    return [...groups.values()].reduce((most, next) => (next.length > most.length ? next : most), []);
  }
}
