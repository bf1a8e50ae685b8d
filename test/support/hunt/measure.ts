import { isFound } from '../../../src/hunt/outcome.ts';
import { type Progress, type SearchOptions, search, type Tried } from '../../../src/hunt/search.ts';
import { shrink } from '../../../src/hunt/shrink.ts';
import { spaceOf } from '../../../src/hunt/space.ts';
import { type Broken, evaluateBroken } from './broken.ts';

/** How one seed hunted a broken limiter. */
export interface Hunted {
  readonly name: string;
  readonly seed: number;
  /** Schedules until the first finding; null if there was none. */
  readonly random: number | null;
  readonly climb: number | null;
  /** What is left of the first finding of the climb, and after how many more schedules; null if there was none, or it was not shrunk. */
  readonly shrunk: (Tried & { readonly schedules: number }) | null;
}

/** Hunts a broken limiter by draws alone and by changes, each until it finds something, and shrinks what it found. */
export async function huntBroken(
  broken: Broken,
  { seed, most, isShrunk }: { readonly seed: number; readonly most: number; readonly isShrunk: boolean },
): Promise<Hunted> {
  const until = (way: NonNullable<SearchOptions['way']>) => firstOf(broken, { seed, schedules: most, way });
  const [random, climb] = [await until('random'), await until('climb')];
  const [first] = climb.best;
  const isWanted = isShrunk && first !== undefined && isFound(first.outcome);
  const shrunk = isWanted ? await smallestOf(broken, first) : null;
  const { name } = broken;
  return { name, seed, random: random.firstFound ?? null, climb: climb.firstFound ?? null, shrunk };
}

async function firstOf(
  broken: Broken,
  options: Pick<SearchOptions, 'seed' | 'schedules' | 'way'>,
): Promise<Progress> {
  let last: Progress | undefined;
  for await (const progress of search({
    ...{ space: spaceOf(broken.ground), evaluate: evaluateBroken(broken, isFound), ...options },
  })) {
    last = progress;
    if (progress.firstFound !== undefined) break;
  }
  if (last === undefined) throw new RangeError('no schedule was run');
  return last;
}

async function smallestOf(broken: Broken, found: Tried): Promise<Hunted['shrunk']> {
  let left: Hunted['shrunk'] = null;
  for await (const { smallest, schedules } of shrink(found, {
    ...{ ground: broken.ground, evaluate: evaluateBroken(broken, isFound) },
  }))
    left = { ...smallest, schedules };
  return left;
}
