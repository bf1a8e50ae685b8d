import { duration, mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { affected, type OfStore, STORE_REGIONS_OPTION, storeRegionsKey } from './of-store.ts';

/** Each answer of Redis takes longer, half of it before the command runs. */
export interface SlowStoreSpec extends OfStore {
  readonly fault: 'slow-store';
  /** Milliseconds added to a round trip. */
  readonly latencyMs: number;
}

/** Less cannot be told from the noise of the machine. */
const LATENCY = { leastMs: 20, mostMs: 60_000 };

export const slowStore = {
  schema: mapping({
    ...head(
      'slow-store',
      'Each answer of Redis to a service takes longer, also from the nodes of its region.',
    ),
    latency: duration(LATENCY)
      .prefault('2s')
      .meta({ description: 'Added to each answer: half before the command runs, half after.' }),
    regions: storeRegionsKey,
  }).transform(({ latency, regions, ...rest }) => ({
    ...rest,
    ...(regions && { regions }),
    latencyMs: latency,
  })),
  changes: (spec, regions) => affected(spec, regions).map((region) => `how fast Redis answers ${region}`),
  ofStore: true,
  form: {
    about: 'Let each answer of Redis to the services take longer.',
    examples: ['--latency 2s', '--latency 500ms --from eu-west'],
    options: [
      STORE_REGIONS_OPTION,
      {
        flags: '--latency <time>',
        key: 'latencyMs',
        about: 'added to each answer: half before the command runs',
        value: LATENCY,
        byDefault: '2s',
      },
    ],
  },
} satisfies FaultDefinition<SlowStoreSpec>;
