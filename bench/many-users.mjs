// Measures strategies with so many users that almost every take is the first of its user for a while: takes per second,
// errors, and memory, for `central` and `lease` alternating on one healthy cluster.
//   npm run bench:many-users [-- --users 400000 --rounds 3 --seconds 8 --in-flight 1000 --seed 1 --server valkey-server]
//
// Each worker takes one token for a random user, waits for the decision, and goes on.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { makeRandom } from '../dist/core/prng.js';
import { createLimiter } from '../dist/index.js';
import { DEFAULT_TOPOLOGY } from '../dist/topology/topology.js';
import { startRegions } from './start-regions.mjs';

const { values: flags } = parseArgs({
  options: {
    users: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    'in-flight': { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    server: { type: 'string', default: 'redis-server' },
  },
});
const [USERS, ROUNDS, SECONDS, IN_FLIGHT, SEED] = [
  flags.users,
  flags.rounds,
  flags.seconds,
  flags['in-flight'],
  flags.seed,
].map(Number);
const STRATEGIES = ['central', 'lease'];

const { regions, stop } = await startRegions({
  server: flags.server,
  seed: SEED,
  topology: {
    ...DEFAULT_TOPOLOGY,
    regions: ['a', 'b', 'c'],
    roundTripMs: { 'a:b': 1, 'a:c': 1, 'b:c': 1 },
  },
});
try {
  await main();
} finally {
  await stop();
}

async function main() {
  print(
    `${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before; ${USERS} users, ${IN_FLIGHT} takes in flight, seed ${SEED}`,
  );
  const rates = new Map(STRATEGIES.map((strategy) => [strategy, []]));
  for (let round = 1; round <= ROUNDS; round++)
    for (const strategy of STRATEGIES) rates.get(strategy).push(await measure(strategy, round));
  const [central, lease] = STRATEGIES.map((strategy) => median(rates.get(strategy)));
  print(`lease / central: ${(lease / central).toFixed(2)}`);
}

async function measure(strategy, round) {
  const { seeds, localAddress } = regions.view('a');
  const limiter = createLimiter({
    strategy,
    policy: '20:5/s',
    prefix: `bench:${strategy}:${round}`,
    redis: {
      urls: seeds.map(({ host, port }) => `redis://${host}:${port}`),
      cluster: true,
      ...(localAddress && { localAddress }),
    },
    ...(strategy === 'lease' && { replicas: 1 }),
  });
  await limiter.ready();
  const random = makeRandom(SEED + round);
  const errors = new Map();
  let takes = 0;
  const endMs = performance.now() + SECONDS * 1_000;
  const work = async () => {
    while (performance.now() < endMs) {
      const user = `u${Math.floor(random() * USERS)}`;
      try {
        await limiter.take({ user, endpoint: 'bench' });
        takes++;
      } catch ({ message }) {
        errors.set(message, (errors.get(message) ?? 0) + 1);
      }
    }
  };
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  const { user, system } = process.cpuUsage(cpu);
  const heapMb = process.memoryUsage().heapUsed / 1e6;
  await limiter.close();
  const failed = [...errors].map(([message, count]) => `${count} x ${message}`).join(', ') || 'no error';
  const perSecond = takes / SECONDS;
  print(
    `${strategy.padEnd(8)} ${perSecond.toFixed(0).padStart(6)} takes/s, ${failed}, client ${((user + system) / 1e6 / SECONDS).toFixed(2)} cores, heap ${heapMb.toFixed(0)} MB`,
  );
  return perSecond;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
