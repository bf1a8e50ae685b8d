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

/** Which of some sides count what others admitted, also by way of further ones. */
export class Counting {
  readonly #sides: number;
  /** For each side, and each other: 1 if it counts the other. Each counts itself. */
  readonly #counts: Uint8Array;

  constructor(sides: number) {
    this.#sides = sides;
    this.#counts = new Uint8Array(sides * sides);
    for (let side = 0; side < sides; side++) this.#counts[side * (sides + 1)] = 1;
  }

  has(side: number, other: number): boolean {
    return this.#counts[side * this.#sides + other] === 1;
  }

  /** What counts the one counts the other, too, and all that the other counts. */
  add(side: number, other: number): void {
    if (this.has(side, other)) return;
    const places = [...Array(this.#sides).keys()];
    const counted = places.filter((place) => this.has(other, place));
    for (const from of places.filter((place) => this.has(place, side)))
      for (const to of counted) this.#counts[from * this.#sides + to] = 1;
  }

  /** The largest group of sides that all count each other. */
  largest(): readonly number[] {
    const places = [...Array(this.#sides).keys()];
    const groups = places.map((side) =>
      places.filter((place) => this.has(side, place) && this.has(place, side)),
    );
    return groups.reduce((most, next) => (next.length > most.length ? next : most), []);
  }
}
