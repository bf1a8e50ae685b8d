import type { CutMode } from '../../topology/pairs.ts';
import { choice, mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { type OfStore, STORE_REGIONS_OPTION, storeCut, storeRegionsKey } from './of-store.ts';

/** No service reaches Redis. The nodes run on, and keep their data and their links to each other. */
export interface StoreOutageSpec extends OfStore {
  readonly fault: 'store-outage';
  readonly mode: CutMode;
}

export const storeOutage = {
  schema: mapping({
    ...head(
      'store-outage',
      'Redis is gone for the services: no node answers, not even those of their region.',
    ),
    mode: choice(['refuse', 'blackhole']).default('refuse').meta({
      description: 'refuse: connections are closed and new ones fail at once; blackhole: they open and hang.',
    }),
    regions: storeRegionsKey,
  }).transform(({ regions, ...rest }) => ({ ...rest, ...(regions && { regions }) })),
  changes: storeCut,
  ofStore: true,
  form: {
    about: 'Take all of Redis away from the services; its nodes run on.',
    examples: ['--mode refuse', '--mode blackhole --from eu-west'],
    options: [
      STORE_REGIONS_OPTION,
      {
        flags: '--mode <mode>',
        key: 'mode',
        about: 'refuse closes and rejects connections; blackhole lets them hang',
        value: ['refuse', 'blackhole'],
        byDefault: 'refuse',
      },
    ],
  },
} satisfies FaultDefinition<StoreOutageSpec>;
