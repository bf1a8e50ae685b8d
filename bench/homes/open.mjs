// Open load: how long `take` waits, with and without homes.
import { createLimiter } from '../../dist/index.js';
import { drawIn, homeOf, names, openRegions, POLICY, usersOf } from './regions.mjs';

/** Leases are measured at a rate of their own, and on buckets in use: a lease is worth its calls from there on. */
const STRATEGIES = [
  { chosen: { strategy: 'central' }, warmUp: { endpoint: 'warm-up', seconds: 1 } },
  { chosen: { strategy: 'acked', replicas: 1 }, warmUp: { endpoint: 'warm-up', seconds: 1 } },
  { chosen: { strategy: 'lease', replicas: 1 }, warmUp: { endpoint: 'ratings', seconds: 3 } },
];
const TICK_MS = 2;
const SETTINGS = ['with homes', 'without'];

/** The rows of a table, and the goals. */
export async function measureOpen(options) {
  const cluster = await openRegions(options);
  const strategies = STRATEGIES.filter(({ chosen }) => [undefined, chosen.strategy].includes(options.only));
  const cells = strategies.flatMap((strategy) =>
    SETTINGS.map((setting) => ({ ...strategy, setting, ops: [], firsts: [], calls: 0 })),
  );
  try {
    for (const [round, seed] of options.seeds.entries())
      for (const { chosen } of strategies) {
        const pair = cells.filter((cell) => cell.chosen === chosen);
        for (const cell of round % 2 === 0 ? pair : pair.toReversed())
          await runOne(cluster, cell, { ...options, seed });
      }
  } finally {
    await cluster.stop();
  }
  return { table: tableOf(cells), goals: goalsOf(cells) };
}

/** One run with keys of its own, so that every bucket starts full. */
export async function runOne(cluster, cell, { seed, rate, leaseRate, seconds, ...options }) {
  const { chosen, setting, warmUp } = cell;
  const leaseMs = chosen.lease?.leaseMs ?? 0;
  const prefix = `bench:${chosen.strategy}:${setting.replace(' ', '-')}:${seed}:${leaseMs}:${leaseRate}`;
  const homes = setting === SETTINGS[0] ? { homes: cluster.homes } : {};
  const limiters = new Map();
  try {
    for (const name of names)
      limiters.set(
        name,
        createLimiter({ policy: POLICY, redis: cluster.redisOf(name), prefix, ...chosen, ...homes }),
      );
    for (const limiter of limiters.values()) await limiter.ready();
    const load = {
      limiters,
      ...{ rate: chosen.strategy === 'lease' ? leaseRate : rate, seed },
      ...{ users: usersOf({ seed, ...options }), known: new Set() },
    };
    const warmedUp = await send({ ...load, ...warmUp });
    cell.warmUpOps?.push(...warmedUp);
    const before = await cluster.calls();
    const ops = await send({ ...load, endpoint: 'ratings', seconds });
    cell.calls += (await cluster.calls()) - before;
    for (const op of ops) cell.ops.push(op);
    const all = warmUp.endpoint === 'ratings' ? [...warmedUp, ...ops] : ops;
    cell.firsts.push(...all.filter(({ isFirst }) => isFirst));
  } finally {
    for (const limiter of limiters.values()) await limiter.close();
  }
}

/** Takes at a constant rate, in each region in turn. */
async function send({ limiters, rate, seed, users, known, endpoint, seconds }) {
  const draws = new Map(names.map((name) => [name, drawIn(users, name, seed)]));
  const [ops, open] = [[], new Set()];
  const startMs = performance.now();
  for (let done = 0; performance.now() < startMs + seconds * 1_000; ) {
    for (const due = ((performance.now() - startMs) * rate) / 1_000; done < due; done++) {
      const region = names[done % names.length];
      const { name: user, regions } = draws.get(region)();
      const bucket = `${region} ${user} ${endpoint}`;
      const op = { seed, region, user, isRoaming: regions.length > 1, isFirst: !known.has(bucket) };
      const taking = take(limiters.get(region), op, endpoint).then(() => {
        known.add(bucket);
        ops.push(op);
        open.delete(taking);
      });
      open.add(taking);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(open);
  return ops;
}

async function take(limiter, op, endpoint) {
  const startedMs = performance.now();
  op.allowed = await limiter.take({ user: op.user, endpoint }).then(
    ({ allowed }) => allowed,
    () => undefined,
  );
  op.isDecided = op.allowed !== undefined;
  op.endedMs = performance.now();
  op.waitedMs = op.endedMs - startedMs;
}

const GROUPS = [
  ['at home', ({ isRoaming }) => !isRoaming],
  ['roaming, at home', ({ isRoaming, user, region }) => isRoaming && homeOf({ user }) === region],
  ['roaming, away', ({ isRoaming, user, region }) => isRoaming && homeOf({ user }) !== region],
];

/** Each cell of a row has the figure with homes, then that without. */
function tableOf(cells) {
  const rows = [
    '| strategy | region | users | takes | p50 ms | p99 ms | p50 of first takes, ms |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const [pair, { strategy }] of pairsOf(cells))
    for (const region of names)
      for (const [users, isOf] of GROUPS) {
        const ofRow = (ops) => ops.filter((op) => op.region === region && isOf(op));
        const [here, there] = pair.map(({ ops }) => ofRow(ops));
        const firsts = pair.map((cell) => ms(quantile(ofRow(cell.firsts), 0.5))).join(' / ');
        const both = (figure) => `${ms(figure(here))} / ${ms(figure(there))}`;
        const figures = [
          both((ops) => quantile(later(ops), 0.5)),
          both((ops) => quantile(later(ops), 0.99)),
          firsts,
        ];
        rows.push(`| ${strategy} | ${region} | ${users} | ${here.length} | ${figures.join(' | ')} |`);
      }
  rows.push('', '| strategy | Redis calls a decision | rejected takes |', '| --- | --- | --- |');
  for (const [pair, { strategy }] of pairsOf(cells)) {
    const each = pair.map(({ calls, ops }) => (calls / ops.length).toFixed(3)).join(' / ');
    const rejected = pair.map(({ ops }) => ops.filter(({ isDecided }) => !isDecided).length).join(' / ');
    rows.push(`| ${strategy} | ${each} | ${rejected} |`);
  }
  return rows;
}

const pairsOf = (cells) =>
  [...new Set(cells.map(({ chosen }) => chosen))].map((chosen) => [
    cells.filter((cell) => cell.chosen === chosen),
    chosen,
  ]);

/** Goals are of users who send from their home only, in the slowest region. */
function goalsOf(cells) {
  const find = (strategy, setting) =>
    cells.find((cell) => cell.chosen.strategy === strategy && cell.setting === setting);
  const home = (cell, region) => cell.ops.filter((op) => op.region === region && GROUPS[0][1](op));
  const p50s = (strategy, setting) =>
    names.map((region) => quantile(home(find(strategy, setting), region), 0.5));
  const goals = [];
  if (find('central', SETTINGS[0])) {
    const [here, there] = SETTINGS.map((setting) => p50s('central', setting));
    const least = Math.min(...here.map((p50, i) => there[i] / p50));
    const most = Math.max(...here);
    goals.push({
      isMet: most <= 5,
      says: `central, users at home: p50 ${ms(most)} ms in the slowest region (at most 5)`,
    });
    goals.push({
      isMet: least >= 15,
      says: `that is a ${least.toFixed(0)}th of the p50 without homes, at the least (15th)`,
    });
  }
  if (find('acked', SETTINGS[0])) {
    const [here, there] = SETTINGS.map((setting) => p50s('acked', setting).map(ms).join(', '));
    goals.push({ says: `acked, users at home: p50 ${here} ms with homes, ${there} ms without, by region` });
  }
  const lease = find('lease', SETTINGS[0]);
  if (lease) {
    const p99 = Math.max(...names.map((region) => quantile(later(home(lease, region)), 0.99)));
    const each = lease.calls / lease.ops.length;
    goals.push({
      isMet: p99 <= 50,
      says: `lease, users at home: p99 ${ms(p99)} ms after the first take of a bucket, in the slowest region (at most 50)`,
    });
    goals.push({
      isMet: each <= 0.15,
      says: `lease with homes: ${each.toFixed(3)} Redis calls a decision (at most 0.15)`,
    });
  }
  return goals;
}

/** Without first takes: those that began before one of the same bucket and region was answered. */
const later = (ops) => ops.filter(({ isFirst }) => !isFirst);

export function quantile(ops, share) {
  const waits = ops.map(({ waitedMs }) => waitedMs).sort((a, b) => a - b);
  return waits[Math.floor(waits.length * share)] ?? Number.NaN;
}

export const ms = (value) => value.toFixed(value < 10 ? 2 : 0);
