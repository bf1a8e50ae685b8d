import { parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import type { RecordedRequest } from '../../../src/history/foreign/arrivals.ts';
import type { PlannedFault } from '../../../src/scenario/plan.ts';
import { watchStates } from './lease-states.ts';
import { simulate } from './simulate.ts';

const POLICY = '1:1/s';
const SECONDS = 24;
const USERS = 12;

const BOTH = ['us-east', 'eu-west'];

/** Of odd seeds, and of even ones. */
const FAULTS: readonly (readonly PlannedFault[])[] = [
  [
    { fault: 'store-outage', mode: 'blackhole', regions: ['eu-west'], atMs: 4_000, forMs: 6_000 },
    { fault: 'drop-reply', regions: BOTH, atMs: 12_000, forMs: 4_000 },
    { fault: 'restart-service', region: 'us-east', atMs: 18_000, forMs: 500 },
  ],
  [
    { fault: 'drop-reply', regions: BOTH, atMs: 2_000, forMs: 1_500 },
    { fault: 'slow-store', regions: BOTH, latencyMs: 1_700, atMs: 5_000, forMs: 5_000 },
    { fault: 'restart-service', region: 'eu-west', atMs: 8_000, forMs: 300 },
    { fault: 'store-outage', mode: 'blackhole', regions: BOTH, atMs: 12_000, forMs: 5_500 },
    { fault: 'restart-service', region: 'us-east', atMs: 15_000, forMs: 300 },
  ],
];

/** The states of buckets of one token in simulations with two holders, faults, and requests that the seeds draw. */
export async function simulatedStates(seeds: readonly number[]): Promise<Set<string>> {
  const states = new Set<string>();
  for (const seed of seeds) {
    const faults = FAULTS[(seed - 1) % FAULTS.length] ?? [];
    const undo = watchStates(parsePolicy(POLICY), states);
    try {
      await simulate({
        ...{ seed, strategy: 'lease', policy: POLICY, durationMs: SECONDS * 1_000, faults },
        requests: requestsOf(seed),
        claims: ['total-excess <= 0'],
      });
    } finally {
      undo();
    }
  }
  return states;
}

/** Each user has its own rate in each of two regions: a request in 0.2 to 5 seconds. */
function requestsOf(seed: number): RecordedRequest[] {
  const random = makeRandom(seed, 'few tokens');
  const requests: RecordedRequest[] = [];
  for (let at = 0; at < USERS; at++)
    for (const region of ['us-east', 'eu-west']) {
      const meanUs = 200_000 + random() * 4_800_000;
      for (let atUs = random() * meanUs; atUs < SECONDS * 1e6; atUs += 2 * random() * meanUs)
        requests.push({ atUs: Math.floor(atUs), user: `u${at}`, cost: 1, region });
    }
  return requests.sort((a, b) => a.atUs - b.atUs);
}
