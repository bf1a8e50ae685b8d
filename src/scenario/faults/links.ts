import { type RegionPair, regionPairs } from '../../topology/topology.ts';
import { twoRegions } from '../fields.ts';

/** The traffic of these links, in words. */
export function passes(regions: readonly string[], is: (pair: RegionPair) => boolean): string[] {
  return linksOf('the traffic', regions, is);
}

function linksOf(what: string, regions: readonly string[], is: (pair: RegionPair) => boolean): string[] {
  return regionPairs(regions)
    .filter(is)
    .map(({ from, to }) => `${what} from ${from} to ${to}`);
}

export interface Between {
  readonly fault: string;
  readonly between: readonly [string, string];
}

export const betweenKey = twoRegions().meta({ description: 'The two regions, both ways.' });

/** The common parts of faults of the link between two regions. */
export const ofLink = {
  changes: ({ fault, between: two }: Between, regions: readonly string[]) =>
    linksOf(`the ${fault}`, regions, ({ from, to }) => two.includes(from) && two.includes(to)),
};

export const BETWEEN_OPTION = {
  flags: '--between <regions...>',
  key: 'between',
  about: 'two regions',
  isRequired: true,
} as const;
