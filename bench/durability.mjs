// Measures the cost of keeping admissions, and how many each way keeps: no durability, acked (WAIT),
// min-replicas-to-write 1, and AOF with appendfsync always, in alternating rounds on separate clusters.
//   npm run bench:durability [-- --rounds 3 --seconds 8 --connections 200]
//
// Decisions a second and latencies of admissions at no round trip and at the default ones, under a policy that admits
// all; then the excess of the bucket with the most while nothing leaves a region (mute) and while a primary is killed
// and its replica takes over. Ratios are of the same round. Prints the tables of docs/results/durability.md.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Redis } from 'ioredis';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '200' },
  },
});
const BIN = new URL('../bin/openclaw-rl', import.meta.url).pathname;
const MODES = [
  { name: 'none', strategy: 'central', persistence: 'none' },
  { name: 'acked', strategy: 'acked', persistence: 'none' },
  { name: 'min-replicas-to-write 1', strategy: 'central', persistence: 'none', minReplicas: 1 },
  { name: 'aof, always', strategy: 'central', persistence: 'aof' },
];
const PAIRS = ['us-east:eu-west', 'eu-west:ap-south', 'us-east:ap-south'];
const ROUND_TRIPS = [
  { name: '0 ms', flags: PAIRS.flatMap((pair) => ['--round-trip', `${pair}=0`]) },
  { name: 'default', flags: [] },
];
/** Few buckets and few connections, so that a busy machine also drains them. */
const CONTESTED = ['--connections', '60', '--users', '12', '--skew', '0', '--roaming', '0.5'];
const FAULTS = [
  { name: 'mute', args: ['partition', '--from', 'eu-west', '--to', 'us-east', 'ap-south'] },
  { name: 'kill', args: ['kill', '--node', 'us-east-0'] },
];
const TIMES = ['--at', '3s', '--for', '8s', '--ramp', '1', '--duration', '14'];

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-bench-durability-'));
const options = {
  cwd: folder,
  env: { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') },
  maxBuffer: 2 ** 28,
};
const rates = [];
const excesses = [];
try {
  for (let round = 1; round <= Number(flags.rounds); round++)
    for (const roundTrip of ROUND_TRIPS)
      for (const mode of MODES) await oneRound(round, roundTrip, mode).catch(failed);
} finally {
  await run('down', '--all', '--yes');
  rmSync(folder, { recursive: true, force: true });
}
print();

async function oneRound(round, roundTrip, mode) {
  const topology = ['--persistence', mode.persistence, ...roundTrip.flags];
  await need('up', ...topology);
  const limited = ['--strategy', mode.strategy, ...topology, '--json', '--seed', String(round)];
  const rate = ['--policy', '1000000:1000/s', '--connections', flags.connections, '--ramp', '1'];
  await setMinReplicas(mode);
  const report = await reportOf('bench', ...limited, ...rate, '--duration', flags.seconds);
  const allowed = report.whole.latency.allowed;
  rates.push({
    ...{ round, roundTrip: roundTrip.name, mode: mode.name },
    perSecond: report.outcomes.allowed / (report.loadMs / 1_000),
    ...{ p50: (allowed?.p50Us ?? 0) / 1_000, p99: (allowed?.p99Us ?? 0) / 1_000 },
  });
  say(rates.at(-1));
  for (const fault of roundTrip.name === 'default' ? FAULTS : []) {
    await setMinReplicas(mode); // a node that was started again has forgotten it
    const { outcomes, sent, shards } = await reportOf(
      'chaos',
      ...fault.args,
      ...limited,
      ...CONTESTED,
      ...TIMES,
    );
    excesses.push({
      ...{ round, fault: fault.name, mode: mode.name },
      excess: Math.max(...shards.map(({ largestExcess }) => largestExcess.tokens)),
      declared: Math.max(...shards.map(({ bound }) => bound?.totalExcess ?? 0)),
      decided: (outcomes.allowed + outcomes.denied) / sent,
      info: outcomes.info / sent,
    });
    say(excesses.at(-1));
  }
  await need('down');
}

/** If the machine is too busy for a cluster, only one cell of a table is missing. */
async function failed(error) {
  write(`left out: ${error.message.split('\n').at(-3)}`);
  await run('down', '--all', '--yes');
}

async function setMinReplicas({ minReplicas = 0 }) {
  const { nodes } = JSON.parse((await need('status', '--json')).stdout);
  for (const { address } of nodes) {
    const [host, port] = address.split(':');
    const client = new Redis({ host, port: Number(port) });
    await client.config('SET', 'min-replicas-to-write', minReplicas);
    client.disconnect();
  }
}

function print() {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  const { rounds, seconds, connections } = flags;
  write(
    `${rounds} rounds of ${seconds} s, ${connections} connections, ${cpus().length} x ${cpu?.model.trim()}, load average ${load}\n`,
  );
  write(
    '| round trip | durability | admissions/s | of none | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const { name: roundTrip } of ROUND_TRIPS)
    for (const { name: mode } of MODES) {
      const rows = rates.filter((row) => row.roundTrip === roundTrip && row.mode === mode);
      const none = (round) =>
        rates.find((row) => row.round === round && row.roundTrip === roundTrip && row.mode === 'none')
          ?.perSecond;
      const cells = [
        spread(
          rows.map(({ perSecond }) => perSecond),
          0,
        ),
        spread(
          rows.map(({ perSecond, round }) => perSecond / none(round)),
          2,
        ),
        spread(
          rows.map(({ p50 }) => p50),
          0,
        ),
        spread(
          rows.map(({ p99 }) => p99),
          0,
        ),
      ];
      write(`| ${[roundTrip, mode, ...cells].join(' | ')} |`);
    }
  write(
    '\n| fault | durability | excess of one bucket, tokens | declared | decided | no reply |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const { name: fault } of FAULTS)
    for (const { name: mode } of MODES) {
      const rows = excesses.filter((row) => row.fault === fault && row.mode === mode);
      const percent = (values) =>
        `${spread(
          values.map((value) => 100 * value),
          1,
        )}%`;
      const cells = [
        spread(
          rows.map(({ excess }) => excess),
          1,
        ),
        spread(
          rows.map(({ declared }) => declared),
          0,
        ),
        percent(rows.map(({ decided }) => decided)),
        percent(rows.map(({ info }) => info)),
      ];
      write(`| ${[fault, mode, ...cells].join(' | ')} |`);
    }
}

/** The median, and least and most in brackets where there are several. */
function spread(values, digits) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  const [text, least, most] = [median, sorted[0], sorted.at(-1)].map((value) => value?.toFixed(digits));
  return sorted.length < 2 ? text : `${text} (${least} to ${most})`;
}

function write(line) {
  process.stdout.write(`${line}\n`);
}

function say(row) {
  process.stderr.write(`${JSON.stringify(row)}\n`);
}

/** Exit codes also carry verdicts: a verdict other than pass is no failure here. */
async function reportOf(...args) {
  const { stdout, stderr } = await run(...args);
  if (stdout === '') throw new Error(`openclaw-rl ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

async function need(...args) {
  const done = await run(...args);
  if (done.code !== 0) throw new Error(`openclaw-rl ${args.join(' ')}: ${done.stderr}`);
  return done;
}

async function run(...args) {
  return promisify(execFile)(BIN, args, options).then(
    (done) => ({ ...done, code: 0 }),
    (error) => error,
  );
}
