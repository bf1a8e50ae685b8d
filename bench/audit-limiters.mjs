// Judges the limiters of audits/ by their own promises, healthy and under faults, and writes docs/results/audits.md:
//   npm run audit:limiters [-- --only <part of a name> --duration 20 --connections 300 --users 100 --seed 1 --out <file>]
//
// Each run has its own cluster, new keys and the same load. About 40 s per run, four runs per limiter.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    duration: { type: 'string', default: '20' },
    connections: { type: 'string', default: '300' },
    users: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'docs/results/audits.md' },
  },
});

/** `from` is a package whose installed version is shown, `as` the description of a reimplementation. */
const LIMITERS = [
  { file: 'rate-limiter-flexible', from: ['rate-limiter-flexible'] },
  { file: 'rate-limiter-flexible-insured', from: ['rate-limiter-flexible'] },
  { file: 'express-rate-limit', from: ['express-rate-limit', 'rate-limit-redis'] },
  { file: 'redis-gcra', from: ['redis-gcra'] },
  { file: 'spring-cloud-gateway', as: 'reimplemented from the webflux server of Spring Cloud Gateway 5.0' },
  { file: 'redis-docs-nodejs', as: 'reimplemented from the page of April 2026' },
];

// As in the shipped scenarios, a fault starts after a quarter of the load and lasts for two fifths of it.
const seconds = (share) => `${Math.round(Number(flags.duration) * share * 1_000)}ms`;

const AT = ['--at', seconds(0.25)];
const FAULT = [...AT, '--for', seconds(0.4)];
const RUNS = [
  { name: 'healthy', args: ['bench'] },
  { name: 'a region cut off', args: ['chaos', 'partition', '--isolate', 'eu-west', ...FAULT] },
  { name: 'an ordered failover', args: ['chaos', 'failover', '--node', 'eu-west-1', ...AT] },
  { name: 'a primary killed', args: ['chaos', 'kill', '--node', 'us-east-0', ...FAULT] },
];
const LOAD = ['connections', 'users', 'duration', 'seed'].flatMap((flag) => [`--${flag}`, flags[flag]]);
const MOST_LINES = 4;

const ROOT = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-audit-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const audited = [];
  for (const limiter of LIMITERS.filter(({ file }) => file.includes(flags.only))) {
    const runs = [];
    for (const { name, args } of RUNS) runs.push({ name, ...(await run(limiter, args)) });
    audited.push({ ...limiter, runs });
    writeFileSync(resolve(ROOT, flags.out), document(audited)); // what is known, should a later one fail
  }
  if (audited.length === 0) throw new Error(`no limiter is called ${flags.only}`);
  process.stdout.write(`${summary(audited).join('\n')}\n`);
}

/** Exit codes also carry verdicts; only a run without a report has failed and is repeated once. */
async function run({ file }, args, triesLeft = 1) {
  const typed = [...args, '--limiter', `audits/${file}.mjs`, ...LOAD];
  const command = `openclaw-rl ${typed.join(' ')}`;
  process.stderr.write(`${command}\n`);
  const { stdout, stderr } = await promisify(execFile)(
    join(ROOT, 'bin/openclaw-rl'),
    [...typed, '--json', '--reports', join(folder, 'reports')],
    {
      cwd: ROOT,
      env: { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') },
      maxBuffer: 64 * 1024 * 1024,
    },
  ).catch((error) => error);
  if (stdout) return { command, report: JSON.parse(stdout) };
  process.stderr.write(`${command} gave no report: ${stderr}\n`);
  if (triesLeft === 0) throw new Error(`${command} gave no report`);
  return run({ file }, args, triesLeft - 1);
}

function document(audited) {
  const { system, policy } = audited[0].runs[0].report;
  return [
    '# Audits of other limiters',
    '',
    'Each limiter stands behind the same Rating services, one in each of three regions, over the same Redis Cluster with',
    'the same load (`audits/<name>.mjs` shows how it is set up), and is judged by what it promises itself. Beside that',
    'stands what the same run is as a token bucket of the policy: to exceed it is no fault of a limiter that promises a',
    'window, and shows what the difference between the promises is worth. A verdict is of one run: `fail` is proved by its',
    'witness, `pass` says that nothing was found, `unknown` that there was too little evidence.',
    '',
    'The column *headers* is about what the limiter states besides yes or no: remaining tokens, the wait of a denial, the',
    'reset. It has how many of these values cannot be true, and why; no verdict depends on it. What is stated of windows',
    'whose start is not known is judged by the length and the limit of the windows alone.',
    '',
    `Policy ${policy}; ${flags.connections} concurrent users of ${flags.users} accounts, ${flags.duration} s a run; seed ${flags.seed}; ${system}; Node ${process.versions.node}, ${cpus().length} cores; ${new Date().toISOString().slice(0, 10)}. Again, in a clone: \`npm run audit:limiters${again()}\`.`,
    '',
    ...summary(audited),
    '',
    ...audited.flatMap(section),
  ].join('\n');
}

function again() {
  const typed = process.argv.slice(2).join(' ');
  return typed === '' ? '' : ` -- ${typed}`;
}

function summary(audited) {
  const head = [
    'limiter',
    'promise',
    'run',
    'verdict',
    'windows above it',
    'total excess',
    'most of one user',
  ];
  const more = ['worst window', 'false denials', 'headers', 'not decided', 'no reply'];
  return table(
    [...head, ...more],
    audited.flatMap(({ file, runs }) =>
      runs.map(({ name, report }) => {
        const { promise, windows, overAdmission, falseDenials, outcomes, sent } = report;
        const isBucket = promise === 'token-bucket';
        return [
          `[${file}](#${file})`,
          promise,
          name,
          report.verdict,
          isBucket ? '' : String(windows.total),
          rounded(overAdmission.totalExcess),
          rounded(overAdmission.largestExcess),
          rounded(overAdmission.worst?.worstWindow ?? 0),
          isBucket ? `${falseDenials.total} of ${falseDenials.judged}` : 'not promised',
          headersOf(report),
          percent(outcomes.failed / sent),
          percent(outcomes.info / sent),
        ];
      }),
    ),
  );
}

function section({ file, runs, ...limiter }) {
  return [
    `## ${file}`,
    '',
    `${about(file)} ${versionOf(limiter)}.`,
    '',
    ...runs.flatMap(({ name, command, report }) => [
      `### ${file}: ${name}`,
      '',
      '```sh',
      command,
      '```',
      '',
      ...report.claims.map(({ status, reason }) => `- ${status}: ${reason}`),
      '',
      ...firstWitness(report),
      ...report.dishonest.findings.filter(isFirstOfReason).flatMap(witness),
    ]),
  ];
}

/** The comment at the head of the plug-in. */
function about(file) {
  const text = readFileSync(join(ROOT, 'audits', `${file}.mjs`), 'utf8');
  const [head = ''] = /^(\/\/.*\n)+/.exec(text) ?? [];
  return head
    .replaceAll(/^\/\/ /gm, '')
    .replaceAll('\n', ' ')
    .trim();
}

function versionOf({ from = [], as }) {
  if (as !== undefined) return as[0].toUpperCase() + as.slice(1);
  const versions = from.map((name) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
    return `${name} ${version}`;
  });
  return `Version: ${versions.join(', ')}`;
}

/** The first proof against the promise; if the promise is kept, against a token bucket. */
function firstWitness({ windows, overAdmission, falseDenials }) {
  return [windows, overAdmission, falseDenials]
    .flatMap(({ findings }) => findings)
    .slice(0, 1)
    .flatMap(witness);
}

function isFirstOfReason({ reason }, at, findings) {
  return findings.findIndex((finding) => finding.reason === reason) === at;
}

/** How many of the stated values are wrong, and how. */
function headersOf({ dishonest: { total, reasons }, whole }) {
  const { stated } = whole;
  if (stated === 0) return 'none';
  const why = Object.entries(reasons).map(([reason, many]) => `${reason} ${many}`);
  return `${total} of ${stated}${total === 0 ? '' : `: ${why.join(', ')}`}`;
}

function witness({ bucket, inequality, kind, witness: lines }) {
  const shown = lines.length <= MOST_LINES ? lines : [...lines.slice(0, MOST_LINES - 1), ...lines.slice(-1)];
  const between = lines.length - shown.length;
  return [
    `Witness (${kind}, ${bucket}): ${inequality}`,
    '',
    ...table(
      ['operation', 'region', 'outcome', 'from s', 'to s'],
      shown.map(({ operation, region, outcome, invokedUs, lastUs }) => [
        String(operation.index ?? operation),
        region,
        outcome,
        inSeconds(invokedUs),
        lastUs === null ? 'open' : inSeconds(lastUs),
      ]),
    ),
    '',
    ...(between > 0 ? [`${between} more stand before the last.`, ''] : []),
  ];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function inSeconds(us) {
  return (us / 1_000_000).toFixed(6);
}

function rounded(tokens) {
  return String(Math.round(tokens * 1_000) / 1_000);
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}
