// Simulates scenarios/hundred-regions.yaml, or a changed copy of it, and prints the figures of docs/results/hundred-regions.md.
//   npm run bench:hundred-regions [-- --regions 100 --users 50000 --rate 2000 --strategy central --no-homes
//     --node-timeout 2s --roaming 0.2 --skew 1 --sample 0.01 --no-fault --duration 5s --seed 1]
//
// Processor time and memory are those of the program, by the kernel.
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { startMeasured } from './measured-program.mjs';

const ROOT = join(import.meta.dirname, '..');
const { values: flags } = parseArgs({
  options: {
    ...Object.fromEntries(
      [
        'regions',
        'users',
        'rate',
        'skew',
        'strategy',
        'node-timeout',
        'roaming',
        'sample',
        'duration',
        'seed',
      ].map((name) => [name, { type: 'string' }]),
    ),
    homes: { type: 'boolean' },
    fault: { type: 'boolean' },
  },
  allowNegative: true,
});

const folder = mkdtempSync(join(tmpdir(), 'openclaw-hundred-regions-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}

async function main() {
  const scenario = changed(parse(readFileSync(join(ROOT, 'scenarios/hundred-regions.yaml'), 'utf8')));
  const file = join(folder, 'hundred.yaml');
  writeFileSync(file, `# What do a hundred regions cost?\n${stringify(scenario)}`);
  const { report, peakMiB, seconds } = await simulate(file);
  const figures = {
    ...figuresOf(report),
    'processor time, s': Math.round(seconds),
    'memory, MiB': Math.round(peakMiB),
  };
  for (const [name, value] of Object.entries(figures)) print(`${name}: ${value}`);
  const cut = new Set(scenario.faults[0]?.isolate);
  for (const line of await bySecond(join(folder, 'reports/latest/history.ndjson'), cut)) print(line);
}

function changed({ topology, load, faults, claims, ...rest }) {
  const { positions, regions, ...nodes } = topology;
  const names = regions.slice(0, Number(flags.regions ?? regions.length));
  const isCut = flags.fault !== false && names.length === regions.length;
  const { roaming, users, rate, skew } = flags;
  const strategy = flags.strategy ?? rest.strategy;
  return {
    ...rest,
    strategy,
    homes: flags.homes ?? rest.homes,
    ...(flags.sample !== undefined && { sample: Number(flags.sample) }),
    topology: {
      ...nodes,
      nodeTimeout: flags['node-timeout'] ?? nodes.nodeTimeout,
      regions: names,
      positions: Object.fromEntries(names.map((name) => [name, positions[name]])),
    },
    load: {
      ...load,
      users: Number(users ?? load.users),
      rate: Number(rate ?? load.rate),
      roaming: Number(roaming ?? load.roaming),
      ...((skew ?? load.skew) !== undefined && { skew: Number(skew ?? load.skew) }),
      duration: flags.duration ?? load.duration,
    },
    faults: isCut ? faults : [],
    claims: ['total-excess <= bound', ...claims.slice(1)],
  };
}

async function simulate(file) {
  const program = ['--max-semi-space-size=64', join(ROOT, 'dist/cli/main.js'), 'run', file, '--simulate'];
  const reports = ['--reports', join(folder, 'reports'), '--seed', flags.seed ?? '1', '--json'];
  const { stdin, ended } = startMeasured([...program, ...reports], { stdout: 'pipe' });
  stdin.end();
  const { output, peakMiB, seconds } = await ended;
  return { report: JSON.parse(output), peakMiB, seconds };
}

function figuresOf({
  sent,
  outcomes,
  redisCalls,
  buckets,
  contested,
  overAdmission,
  whole,
  sample,
  verdict,
}) {
  const { others = 0 } = sample ?? {};
  const decided = (outcomes.allowed + outcomes.denied) / (sent - others); // of a sample, of what is judged
  const { p50Us, p99Us } = whole.latency.allowed;
  return {
    verdict,
    requests: sent,
    decided: percent(decided),
    'calls a decision': (redisCalls / (decided * sent)).toFixed(2),
    'p50 / p99 of admissions, ms': `${(p50Us / 1_000).toFixed(1)} / ${Math.round(p99Us / 1_000)}`,
    'admitted, of an ideal bucket': percent(whole.admitted / whole.exactAdmitted),
    'largest excess': overAdmission.largestExcess,
    ...{ buckets, contested: contested.buckets },
    ...(sample && { 'not judged': others }),
  };
}

/** Outcomes of requests by the second in which they were due, in the regions that are cut off and in the rest. */
async function bySecond(path, cut) {
  const rows = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { type, region, outcome, invokedUs, intendedUs = invokedUs } = JSON.parse(line);
    if (type !== 'op') continue;
    const second = Math.floor(intendedUs / 1_000_000);
    rows[second] ??= { rest: [0, 0], cut: [0, 0] };
    const counts = rows[second][cut.has(region) ? 'cut' : 'rest'];
    counts[1]++;
    if (outcome === 'allowed' || outcome === 'denied') counts[0]++;
  }
  const share = ([decided, all]) => (all === 0 ? '-' : percent(decided / all));
  return rows.map(({ rest, cut: apart }, at) => `${at} s: decided ${share(rest)}, cut off ${share(apart)}`);
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
