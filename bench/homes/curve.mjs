// How long takes of leases wait, against the Redis calls that they cost, by the length of a lease: the one setting that
// decides how early and how often a process asks.
import { fullBucket, take as takeFrom } from '../../dist/core/bucket.js';
import { parsePolicy } from '../../dist/core/policy.js';
import { ms, quantile, runOne } from './open.mjs';
import { names, openRegions, POLICY } from './regions.mjs';

const LEASES_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const SETTINGS = ['with homes', 'without'];

/** The rows of a table, and no goals. Cells are with homes, then without. */
export async function measureCurve(options) {
  const cluster = await openRegions(options);
  const table = [
    '| lease | takes a second | calls a decision | p99 of users at home, ms | p99 of roaming ones, ms | at once | admitted |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  try {
    for (const rate of options.rates)
      for (const leaseMs of LEASES_MS) {
        const cells = SETTINGS.map((setting) => ({
          chosen: { strategy: 'lease', replicas: 1, lease: { leaseMs } },
          warmUp: { endpoint: 'ratings', seconds: 3 },
          ...{ setting, ops: [], calls: 0, firsts: [], warmUpOps: [] },
        }));
        for (const cell of cells)
          for (const seed of options.seeds)
            await runOne(cluster, cell, { ...options, leaseRate: rate, seed });
        const figures = cells.map(figuresOf);
        const columns = figures[0].map((_, at) => figures.map((each) => each[at]).join(' / '));
        table.push(`| ${leaseMs / 1_000} s | ${rate} | ${columns.join(' | ')} |`);
      }
  } finally {
    await cluster.stop();
  }
  return { table, goals: [] };
}

function figuresOf({ ops, calls, warmUpOps }) {
  const later = ops.filter(({ isFirst }) => !isFirst);
  const p99 = (isRoaming) =>
    Math.max(
      ...names.map((region) =>
        quantile(
          later.filter((op) => op.region === region && op.isRoaming === isRoaming),
          0.99,
        ),
      ),
    );
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  return [
    (calls / ops.length).toFixed(3),
    ms(p99(false)),
    ms(p99(true)),
    percent(later.filter(({ waitedMs }) => waitedMs < 5).length / later.length),
    percent(admittedOf(ops, warmUpOps)),
  ];
}

/** The share of the admissions of exact buckets for the same takes, each at the time of its decision, after a warm-up. */
function admittedOf(ops, warmUpOps) {
  const policy = parsePolicy(POLICY);
  const buckets = new Map();
  const counted = new Set(ops);
  let [admitted, ideal] = [0, 0];
  for (const op of [...warmUpOps, ...ops].sort((a, b) => a.endedMs - b.endedMs)) {
    const { seed, user, endedMs, allowed } = op;
    const key = `${seed} ${user}`;
    const nowUs = Math.round(endedMs * 1_000);
    const taken = takeFrom(buckets.get(key) ?? fullBucket(policy, nowUs), policy, { costTokens: 1, nowUs });
    buckets.set(key, taken.bucket);
    if (!counted.has(op)) continue;
    if (taken.result.allowed) ideal++;
    if (allowed) admitted++;
  }
  return admitted / ideal;
}
