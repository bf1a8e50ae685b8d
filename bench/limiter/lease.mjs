// Decisions by leases in one process, without a call to Redis: tryTake and take of a hot bucket, tryTake over many
// buckets in turn and in random order, and the memory of a bucket. Rates are per second of processor time of all threads
// of the process, since the machine has other work.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLease } from '../../dist/index.js';

const BUCKETS = 100_000;
const AT_ONCE = 20_000;
/** So much that requests to home are rare and never denied. */
const POLICY = '1000000:1000000/s';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

export const LEASE_TARGETS = [
  { what: 'tryTake of a hot bucket', least: 5_000_000, unit: 'decisions/s' },
  { what: `tryTake over ${BUCKETS} buckets in turn`, least: 1_500_000, unit: 'decisions/s' },
  { what: 'memory of a bucket', most: 300, unit: 'bytes' },
];

/** The results by measurement; each rate is the median of its rounds. */
export async function measureLeases(port, { rounds, ms }) {
  const redis = { urls: [`redis://127.0.0.1:${port}`] };
  const limiter = createLease({
    policy: POLICY,
    redis,
    replicas: 0,
    lease: { leaseMs: 60_000 },
    prefix: 'bench',
  });
  try {
    const hot = { user: 'hot', endpoint: 'bench' };
    await limiter.take(hot);
    const subjects = Array.from({ length: BUCKETS }, (_, i) => ({ user: `user-${i}`, endpoint: 'many' }));
    const before = heapUsed();
    for (let at = 0; at < BUCKETS; at += 1_000)
      await Promise.all(subjects.slice(at, at + 1_000).map((subject) => limiter.take(subject)));
    await pause(500);
    const bytes = (heapUsed() - before) / BUCKETS;

    let at = 0;
    const every = (step) => () => {
      at = (at + step) % BUCKETS;
      return subjects[at];
    };
    const cases = {
      'tryTake of a hot bucket': () => tryTakes(limiter, () => hot, ms),
      'take of a hot bucket, awaited one by one': () => takes(limiter, hot, ms),
      [`tryTake over ${BUCKETS} buckets in turn`]: () => tryTakes(limiter, every(1), ms),
      [`tryTake over ${BUCKETS} buckets in no order`]: () => tryTakes(limiter, every(7_919), ms),
    };
    const seen = new Map(Object.keys(cases).map((name) => [name, []]));
    for (let round = 0; round <= rounds; round++)
      for (const [name, run] of Object.entries(cases)) {
        const perSecond = await run();
        if (round > 0) seen.get(name).push(perSecond); // the first warms up
      }
    const medians = [...seen].map(([name, all]) => [
      name,
      all.sort((a, b) => a - b)[Math.floor(all.length / 2)],
    ]);
    return new Map([...medians, ['memory of a bucket', bytes]]);
  } finally {
    await limiter.close();
  }
}

/** Only the time within the decisions counts; between batches home's replies come in. */
async function tryTakes(limiter, next, ms) {
  let [decided, spentUs] = [0, 0];
  while (spentUs < ms * 1_000) {
    const start = process.cpuUsage();
    let undecided = 0;
    for (let i = 0; i < AT_ONCE; i++) if (limiter.tryTake(next()) === undefined) undecided++;
    spentUs += since(start);
    decided += AT_ONCE - undecided;
    await pause(0);
  }
  return (decided * 1e6) / spentUs;
}

async function takes(limiter, subject, ms) {
  const start = process.cpuUsage();
  let decided = 0;
  for (; since(start) < ms * 1_000; decided += 1_000)
    for (let i = 0; i < 1_000; i++) await limiter.take(subject);
  return (decided * 1e6) / since(start);
}

function since(start) {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function heapUsed() {
  collect();
  return process.memoryUsage().heapUsed;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
