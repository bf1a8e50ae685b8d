import { makeRandom } from '../../../src/core/prng.ts';
import type { RecordedRequest } from '../../../src/history/foreign/arrivals.ts';
import { bucketKey, DEFAULT_PREFIX } from '../../../src/limiter/options/key.ts';
import { keySlot } from '../../../src/limiter/redis/hash-slot.ts';
import { ENDPOINT } from '../../../src/rating/endpoint.ts';
import { SLOTS } from '../../../src/topology/topology.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'] as const;

/** Requests of a user from one region. */
export interface Burst {
  readonly from: (typeof REGIONS)[number];
  /** Of the first; milliseconds. */
  readonly atMs: number;
  readonly count: number;
  readonly everyMs: number;
}

export interface Senders {
  readonly seed: number;
  readonly users: number;
  /** Each user sends its bursts so much later at most, drawn by the seed. Milliseconds. */
  readonly laterMs: number;
  /** The region of the primary of their buckets when the run begins; absent: any. */
  readonly primary?: Burst['from'];
}

/** Users who all send these bursts. Before, each region once decides on a bucket of each primary, which opens its connections. */
export function burstsOf(
  bursts: readonly Burst[],
  { seed, users, laterMs, primary }: Senders,
): RecordedRequest[] {
  const random = makeRandom(seed, 'bursts');
  const names = namesOn(primary);
  const openers = REGIONS.flatMap((place) => {
    const user = nextOf(namesOn(place, 'opens'));
    return REGIONS.map((region) => ({ atUs: OPENS_US, user, cost: 1, region }));
  });
  const requests = Array.from({ length: users }, () => {
    const user = nextOf(names);
    const laterUs = Math.floor(random() * laterMs * 1_000);
    return bursts.flatMap(({ from, atMs, count, everyMs }) =>
      Array.from({ length: count }, (_, nth) => ({
        ...{ atUs: laterUs + (atMs + nth * everyMs) * 1_000, user, cost: 1, region: from },
      })),
    );
  });
  return [...openers, ...requests.flat()].sort((a, b) => a.atUs - b.atUs);
}

/**
 * Requests of users from all regions: twice for two seconds more than the policy admits, with a second between, then none
 * for five seconds, and again.
 * Their times are drawn by the seed.
 */
export function steadyOf(
  costTokens: number,
  { seed, users, seconds }: { readonly seed: number; readonly users: number; readonly seconds: number },
): RecordedRequest[] {
  const random = makeRandom(seed, 'steady');
  const requests = Array.from({ length: users * seconds * STEADY_PER_S }, (_, nth) => ({
    atUs: Math.floor(random() * seconds * 1e6),
    ...{ user: `u${nth % users}`, cost: costTokens, region: REGIONS[nth % REGIONS.length] as string },
  }));
  return requests.filter(({ atUs }) => isBusy(atUs % PERIOD_US)).sort((a, b) => a.atUs - b.atUs);
}

const PERIOD_US = 10_000_000;
const isBusy = (us: number) => us < 2_000_000 || (us > 3_000_000 && us < 5_000_000);
/** Requests a second of each user, while it sends any. */
const STEADY_PER_S = 25;
const OPENS_US = 10_000;

/** Names of users whose buckets are there. */
function* namesOn(primary: Burst['from'] | undefined, of = 'u'): Generator<string, never> {
  for (let at = 0; ; at++) {
    const user = `${of}${at}`;
    const slot = keySlot(bucketKey(`${DEFAULT_PREFIX}:simulated`, { user, endpoint: ENDPOINT }));
    if (primary === undefined || REGIONS[Math.floor((slot * REGIONS.length) / SLOTS)] === primary) yield user;
  }
}

function nextOf(names: Generator<string, never>): string {
  return names.next().value;
}
