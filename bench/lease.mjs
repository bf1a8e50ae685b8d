// Measures leases on a healthy cluster of three regions with the default round trips: how long `take` waits in each
// region, the Redis calls per decision, and how close the admissions of the 100 busiest users are to those of an ideal
// bucket for the same requests.
//   npm run bench:lease [-- --rate 6000 --seconds 20 --seed 1 --unacked --server valkey-server]
//
// The users are those of scenarios/baseline.yaml. Each region's limiter runs in this process; requests start at a
// constant rate. Calls are those that the primaries count in INFO commandstats. Exit code 1 where a target is missed.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { fullBucket, take as takeFrom } from '../dist/core/bucket.js';
import { parsePolicy } from '../dist/core/policy.js';
import { makeRandom } from '../dist/core/prng.js';
import { createLease } from '../dist/index.js';
import { planUsers } from '../dist/load/drawn-users.js';
import { busiestUsers, makeUserDraw } from '../dist/load/users.js';
import { DEFAULT_TOPOLOGY } from '../dist/topology/topology.js';
import { startRegions } from './start-regions.mjs';

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '6000' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    server: { type: 'string', default: 'redis-server' },
    unacked: { type: 'boolean', default: false },
  },
});
const [RATE, SECONDS, SEED] = [flags.rate, flags.seconds, flags.seed].map(Number);
const POLICY = '20:5/s';
const TICK_MS = 5;
const WARM_UP_S = 3;
const BUSIEST = 100;

const { regions, stop } = await startRegions({
  server: flags.server,
  seed: SEED,
  topology: DEFAULT_TOPOLOGY,
});
const names = DEFAULT_TOPOLOGY.regions;
const limiters = new Map();
/** Buckets, by region, of which a take was decided; one that began before is among its first. */
const decided = new Set();
const watches = regions.topology.nodes.map(({ name }) => new Redis(regions.direct(name)));
try {
  for (const name of names) limiters.set(name, openIn(regions.view(name)));
  await main();
} finally {
  for (const limiter of limiters.values()) await limiter.close();
  for (const watch of watches) watch.disconnect();
  await stop();
}

function openIn({ seeds, localAddress }) {
  return createLease({
    policy: POLICY,
    redis: {
      urls: seeds.map(({ host, port }) => `redis://${host}:${port}`),
      cluster: true,
      ...(localAddress && { localAddress }),
    },
    replicas: flags.unacked ? 0 : 1,
  });
}

async function main() {
  for (const limiter of limiters.values()) await limiter.ready();
  await load('warm-up', WARM_UP_S);
  const before = await calls();
  const ops = await load('ratings', SECONDS);
  const after = await calls();
  const grants = flags.unacked ? 'unacked' : 'acked';
  const machine = `${flags.server}, Node ${process.version}, ${cpus().length} cores, load average ${loadavg()[0].toFixed(2)}`;
  say(
    `${machine}; ${grants} grants, seed ${SEED}, ${RATE}/s asked for, ${(ops.length / SECONDS).toFixed(0)}/s done\n`,
  );
  say('| region | takes | allowed | rejected | p50 ms | p99 ms | p99 after first takes, ms | at once |');
  say('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const name of names) {
    const here = ops.filter(({ region }) => region === name);
    const waits = here.map(({ waitedMs }) => waitedMs).sort((a, b) => a - b);
    const at = (share) => waits[Math.floor(waits.length * share)].toFixed(3);
    const p99Later = quantile(
      here.filter(({ isFirst }) => !isFirst),
      0.99,
    ).toFixed(3);
    const count = (test) => here.filter(test).length;
    const atOnce = ((100 * count(({ waitedMs }) => waitedMs < 1)) / here.length).toFixed(1);
    say(
      `| ${name} | ${here.length} | ${count(({ allowed }) => allowed === true)} | ${count(({ allowed }) => allowed === undefined)} | ${at(0.5)} | ${at(0.99)} | ${p99Later} | ${atOnce} % |`,
    );
  }
  say('');
  const p50s = names.map((name) =>
    quantile(
      ops.filter(({ region }) => region === name),
      0.5,
    ),
  );
  judge(
    Math.max(...p50s) < 1,
    `p50 of take in the slowest region: ${Math.max(...p50s).toFixed(3)} ms (under 1)`,
  );
  const [scripts, waits] = ['scripts', 'waits'].map(
    (name) => (10 * (after[name] - before[name])) / ops.length,
  );
  judge(
    scripts + waits <= 1,
    `Redis calls for each 10 decisions: ${(scripts + waits).toFixed(2)} (at most 1), ${waits.toFixed(2)} of them WAIT`,
  );
  const { admitted, ideal } = busiestOf(ops);
  judge(
    admitted >= 0.97 * ideal,
    `admitted of the ${BUSIEST} busiest users: ${admitted} of the ${ideal} of ideal buckets, ${((100 * admitted) / ideal).toFixed(1)} % (at least 97)`,
  );
}

/** Takes at a constant rate, the users drawn as a run draws them. */
async function load(endpoint, seconds) {
  const users = usersOf();
  const random = makeRandom(SEED, 'draw');
  const draws = new Map(names.map((name) => [name, makeUserDraw(users, name)]));
  const ops = [];
  const open = new Set();
  const startMs = performance.now();
  for (let due = 0, done = 0; performance.now() < startMs + seconds * 1_000; ) {
    due = ((performance.now() - startMs) * RATE) / 1_000;
    for (; done < due; done++) {
      const region = names[done % names.length];
      const user = draws.get(region)(random, performance.now() - startMs);
      const taking = takeOne(region, { user: user.name, endpoint }, ops).finally(() => open.delete(taking));
      open.add(taking);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(open);
  return ops;
}

async function takeOne(region, subject, ops) {
  const startedMs = performance.now();
  const bucket = `${region} ${subject.user} ${subject.endpoint}`;
  const isFirst = !decided.has(bucket);
  const allowed = await limiters
    .get(region)
    .take(subject)
    .then(
      (decision) => decision.allowed,
      () => undefined,
    );
  const endedMs = performance.now();
  decided.add(bucket);
  ops.push({ region, user: subject.user, isFirst, allowed, endedMs, waitedMs: endedMs - startedMs });
}

function usersOf() {
  return planUsers({ seed: SEED, regions: names, users: 200, skew: 0.7, roaming: 0.2, rampMs: 2_000 });
}

/** The tokens that one exact bucket admits for the same requests, in the order of their replies. */
function busiestOf(ops) {
  const policy = parsePolicy(POLICY);
  const byUser = groupBy(ops);
  let [admitted, ideal] = [0, 0];
  for (const { name } of busiestUsers(usersOf(), names, BUSIEST)) {
    let bucket = fullBucket(policy, 0);
    for (const { allowed, endedMs } of byUser.get(name) ?? []) {
      if (allowed === true) admitted++;
      const taken = takeFrom(bucket, policy, { costTokens: 1, nowUs: Math.round(endedMs * 1_000) });
      bucket = taken.bucket;
      if (taken.result.allowed) ideal++;
    }
  }
  return { admitted, ideal };
}

function groupBy(ops) {
  const groups = new Map();
  for (const op of ops) {
    const group = groups.get(op.user);
    if (group === undefined) groups.set(op.user, [op]);
    else group.push(op);
  }
  return groups;
}

async function calls() {
  const stats = await Promise.all(watches.map((watch) => watch.info('commandstats')));
  const sum = (pattern) =>
    stats
      .flatMap((text) => [...text.matchAll(pattern)])
      .reduce((total, [, count]) => total + Number(count), 0);
  return { scripts: sum(/cmdstat_eval(?:sha)?:calls=(\d+)/g), waits: sum(/cmdstat_wait:calls=(\d+)/g) };
}

function quantile(ops, share) {
  return ops.map(({ waitedMs }) => waitedMs).sort((a, b) => a - b)[Math.floor(ops.length * share)];
}

function judge(isMet, line) {
  say(`${line}: ${isMet ? 'met' : 'MISSED'}`);
  if (!isMet) process.exitCode = 1;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
