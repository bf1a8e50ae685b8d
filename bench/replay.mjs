// Measures how close to the times of a log its requests are sent again, and whether each is sent for the user of the log:
// a run of a recorded load on a cluster of its own. The log has arrivals at random, with bursts.
//   npm run bench:replay [-- --requests 3000 --rate 150 --seed 1 --runs 3]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRandom } from '../dist/core/prng.js';

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '3' },
  },
});
const [REQUESTS, RATE, SEED, RUNS] = [flags.requests, flags.rate, flags.seed, flags.runs].map(Number);
const BIN = join(import.meta.dirname, '../bin/openclaw-rl');
const GOAL_MS = 5;

const SCENARIO = `# Are requests sent again when they arrived?
policy: 20:5/s
load:
  from: { file: access.csv, key: user, start: at_us }
  connections: 300
claims:
  - total-excess <= 0
`;

print(
  `${cpus().length} cores, load ${loadavg()[0].toFixed(1)} before; ${REQUESTS} requests, ${RATE}/s, seed ${SEED}`,
);
for (let run = 1; run <= RUNS; run++) measure(run);

function measure(run) {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-replay-'));
  try {
    const log = drawLog(SEED + run - 1);
    writeFileSync(
      join(folder, 'access.csv'),
      ['user,at_us', ...log.map(({ user, atUs }) => `${user},${atUs}`)].join('\n'),
    );
    writeFileSync(join(folder, 'replay.yaml'), SCENARIO);
    const args = ['run', 'replay.yaml', '--json', '--reports', 'reports'];
    const { stdout, stderr } = spawnSync(BIN, args, { cwd: folder, encoding: 'utf8', timeout: 300_000 });
    if (stdout === '') throw new Error(stderr);
    report(run, log, operationsOf(join(folder, 'reports/latest/history.ndjson')), JSON.parse(stdout).verdict);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Single requests with random gaps, and bursts of ten at one moment. */
function drawLog(seed) {
  const random = makeRandom(seed, 'replayed log');
  let atUs = 1_700_000_000_000_000;
  return Array.from({ length: REQUESTS }, (_, nth) => {
    const isInBurst = Math.floor(nth / 10) % 10 === 0 && nth % 10 > 0;
    if (!isInBurst) atUs += Math.ceil((-Math.log(1 - random()) * 1_000_000) / RATE);
    return { user: `user-${Math.floor(random() * 40)}`, atUs };
  });
}

function operationsOf(history) {
  const records = readFileSync(history, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return records.filter(({ type }) => type === 'op').sort((a, b) => a.index - b.index);
}

function report(run, log, operations, verdict) {
  const [first] = operations;
  const others = operations.filter(({ user }, nth) => user !== log[nth]?.user).length;
  const late = operations
    .map(({ invokedUs }, nth) => (invokedUs - first.intendedUs - (log[nth].atUs - log[0].atUs)) / 1_000)
    .sort((a, b) => a - b);
  const at = (share) => late[Math.min(late.length - 1, Math.floor(share * late.length))].toFixed(2);
  const within = late.filter((ms) => Math.abs(ms) <= GOAL_MS).length;
  print(
    `run ${run}: ${operations.length} of ${log.length} sent, ${others} for another user; after the log's time: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms; ${within} within ${GOAL_MS} ms; verdict ${verdict}`,
  );
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
