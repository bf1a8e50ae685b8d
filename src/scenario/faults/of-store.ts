import { regionList } from '../fields.ts';
import { passes } from './links.ts';

/** The services of these regions; without regions, all. */
export interface OfStore {
  readonly regions?: readonly string[];
}

export const storeRegionsKey = regionList()
  .optional()
  .meta({ description: 'The regions whose services it affects; without it, all.' });

/** The regions that a fault of the store affects. */
export function affected({ regions }: OfStore, all: readonly string[]): readonly string[] {
  return regions ?? all;
}

/** A cut of the store also closes the connections of services between regions. */
export function storeCut(spec: OfStore, all: readonly string[]): string[] {
  const names = affected(spec, all);
  return [
    ...names.map((region) => `whether Redis is there for ${region}`),
    ...passes(all, ({ from }) => names.includes(from)),
  ];
}

export const STORE_REGIONS_OPTION = {
  flags: '--from <regions...>',
  key: 'regions',
  about: 'the regions whose services it affects (default: all)',
} as const;
