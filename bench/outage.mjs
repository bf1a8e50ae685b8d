// What users get while all of Redis is gone for 5 s and then slow for 5 s: for each failure policy of our strategies, and
// for limiters of others as their documentation sets them up (bench/outage/). Writes docs/results/store-outage.md.
//   npm run bench:outage [-- --only central --rate 150 --out page.md]
//
// The faults are those of scenarios/store-outage.yaml; the load is open, so that each limiter gets the same requests.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rate: { type: 'string', default: '150' },
    out: { type: 'string', default: 'docs/results/store-outage.md' },
  },
});

/** One region with one Redis, for clients that know no cluster. */
const ONE = 'topology: { regions: [us-east], replicas: 0 }';
const own = (strategy) =>
  ['closed', 'open', 'local-share'].map((onFailure) => ({
    name: `\`${strategy}\`, ${onFailure}`,
    setup: [`strategy: ${strategy}`, `onFailure: ${onFailure}`],
  }));
const other = (name, file) => ({
  name,
  file,
  setup: [ONE, `limiter: ${join(ROOT, `bench/outage/${file}.mjs`)}`],
});
const OURS = ['central', 'acked', 'lease'].flatMap(own);
const OTHERS = [
  ...own('central').map((row) => ({ ...row, setup: [...row.setup, ONE] })),
  other('rate-limiter-flexible', 'flexible'),
  other('rate-limiter-flexible, insuranceLimiter', 'flexible-insured'),
  other('express-rate-limit, rate-limit-redis', 'express'),
  other('the same, passOnStoreError', 'express-pass'),
];
/** The most that a bucket of 20:5/s gives a user in the ten seconds, if it is full when they begin. */
const IDEAL = 20 + 5 * 10;

const PHASES = ['before', 'gone', 'slow', 'after'];
const OUTCOMES = {
  allowed: ({ outcome }) => outcome === 'allowed',
  denied: ({ outcome }) => outcome === 'denied',
  failed: ({ outcome }) => outcome === 'failed' || outcome === 'info',
};
const percent = (part, whole) => `${Math.round((100 * part) / Math.max(1, whole))} %`;
const round = (tokens) => Math.round(tokens * 10) / 10;

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-outage-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const wanted = (rows) => rows.filter(({ name }) => name.includes(flags.only));
  const done = { ours: [], others: [] };
  for (const [key, rows] of Object.entries({ ours: wanted(OURS), others: wanted(OTHERS) }))
    for (const row of rows) {
      done[key].push({ ...row, ...(await run(row)) });
      const { name, phases } = done[key].at(-1);
      process.stderr.write(`${name}: ${phases.map((phase) => cellOf(phase)).join(' | ')}\n`);
      writeFileSync(resolve(ROOT, flags.out), page(done)); // what is known, should a later one fail
    }
}

/** Runs one limiter; exit codes carry verdicts, so only a run without a report has failed. */
async function run({ setup }) {
  const file = join(folder, 'outage.yaml');
  writeFileSync(file, scenario(setup));
  const reports = join(folder, 'reports');
  const { stdout, stderr } = await promisify(execFile)(
    join(ROOT, 'bin/openclaw-rl'),
    ['run', file, '--json', '--reports', reports],
    { env: { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') }, maxBuffer: 2 ** 28 },
  ).catch((error) => error);
  if (!stdout) throw new Error(`no report: ${stderr}`);
  const [name] = readdirSync(reports).filter((entry) => entry !== 'latest');
  const records = readFileSync(join(reports, name, 'history.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  rmSync(reports, { recursive: true, force: true });
  return { report: JSON.parse(stdout), ...measure(records) };
}

function scenario(setup) {
  return [
    '# What do users get while Redis is gone, and slow?',
    ...setup,
    `load: { mode: open, rate: ${flags.rate}, connections: 600, users: 20, duration: 20s }`,
    'faults:',
    '  - { fault: slow-store, latency: 2s, at: 5s, for: 10s }',
    '  - { fault: store-outage, at: 5s, for: 5s }',
    'claims: [p99(any) <= 60s]',
    '',
  ].join('\n');
}

/** Requests by the phase in which they were sent. */
function measure(records) {
  const at = (fault, phase) =>
    records.find((one) => one.type === 'fault' && one.fault === fault && one.phase === phase).atUs;
  const ends = [at('store-outage', 'inject'), at('store-outage', 'heal'), at('slow-store', 'heal')];
  const ops = records.filter(({ type }) => type === 'op');
  const phaseOf = ({ invokedUs }) => ends.filter((endUs) => endUs <= invokedUs).length;
  const phases = PHASES.map((name, i) => ({ name, ops: ops.filter((op) => phaseOf(op) === i) }));
  const away = [...phases[1].ops, ...phases[2].ops].filter(({ outcome }) => outcome === 'allowed');
  const byUser = new Map();
  for (const { user } of away) byUser.set(user, (byUser.get(user) ?? 0) + 1);
  const failures = phases[3].ops.filter(({ outcome }) => outcome === 'failed' || outcome === 'info');
  const lastUs = Math.max(ends[2], ...failures.map(({ invokedUs }) => invokedUs));
  return {
    phases,
    mostOfOne: Math.max(0, ...byUser.values()),
    awayS: (ends[2] - ends[0]) / 1e6,
    backS: (lastUs - ends[2]) / 1e6,
  };
}

/** Share and waits of each outcome, as `503 100%, 2 / 1004 ms`. */
function cellOf({ ops }) {
  const parts = Object.entries(OUTCOMES).flatMap(([outcome, is]) => {
    const these = ops.filter(is);
    if (these.length === 0) return [];
    const waits = these
      .filter(({ completedUs }) => completedUs !== null)
      .map((op) => (op.completedUs - op.invokedUs) / 1_000)
      .sort((a, b) => a - b);
    const shown = waits.length === 0 ? 'wait not recorded' : `${at(waits, 0.5)} / ${at(waits, 0.99)} ms`;
    return [`${outcome}${codesOf(outcome, these)} ${percent(these.length, ops.length)}, ${shown}`];
  });
  return parts.join('<br>');
}

function at(sorted, share) {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
}

function codesOf(outcome, ops) {
  if (outcome !== 'failed') return '';
  const codes = [...new Set(ops.map(({ error, status }) => error ?? status ?? 'no reply'))].sort();
  return ` (${codes.join(', ')})`;
}

function page({ ours, others }) {
  const [load] = loadavg();
  return [
    '# What do users get while Redis is gone, then slow?',
    '',
    `Written by \`npm run bench:outage\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores, Node.js ${process.version}, load average ${load.toFixed(1)}; one run each, seed 1. All of Redis is`,
    'gone for 5 s (connections are refused), then each answer takes 2 s for 5 s, then it is back. Its nodes run on.',
    `${flags.rate} requests a second, 20 users, buckets of 20 tokens, 5/s. A cell has the share of each outcome of the requests`,
    'that were sent in the phase, and their waits: p50 / p99 from the send to the answer. What the pages of others say is in',
    'the head of each file of `bench/outage`.',
    '',
    '- **most of one**: requests of one user that were allowed while Redis was gone or slow. A full bucket gives',
    `  ${IDEAL} in ten seconds; a window of 20 in 4 s gives 80.`,
    '- **excess, bound**: of the worst bucket over the run, in tokens, and what is declared for it. Of limiters of windows: how',
    '  many windows broke their own promise.',
    '- A failure whose charge is unknown (REPLY_LOST, REPLY_TIMEOUT) has no wait in a history.',
    '- **back after**: from the end of the slow phase to the last request that failed, by when it was sent.',
    '',
    '## Three regions, a Redis Cluster',
    '',
    ...tableOf(ours),
    '',
    '## One region, one Redis',
    '',
    'An error of a plug-in is a 503 here; express-rate-limit itself hands it to Express, which answers 500. The gateway waits',
    '5 s for an answer of the service.',
    '',
    ...tableOf(others),
    '',
  ].join('\n');
}

function tableOf(rows) {
  return [
    '| limiter | before | gone | slow | after | most of one | excess, bound | back after |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ name, phases, mostOfOne, backS, ...row }) =>
        `| ${[name, ...phases.map(cellOf), mostOfOne, excessOf(row), `${backS.toFixed(1)} s`].join(' | ')} |`,
    ),
  ];
}

function excessOf({ file, report: { overAdmission, shards, windows } }) {
  if (file !== undefined) return `${windows.total} windows`;
  const bounds = (shards ?? []).map(({ bound }) => bound?.totalExcess);
  const isNone = bounds.length === 0 || bounds.some((bound) => bound === null || bound === undefined);
  const declared = isNone ? 'none' : round(Math.max(...bounds));
  return `${round(overAdmission.largestExcess)}, ${declared}`;
}
