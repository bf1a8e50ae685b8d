// Audits HTTP limiters on loopback, 50 correct ones and 50 that are broken in one way each, and writes docs/results/live-audits.md:
//   npm run audit:live [-- --only <part of a name> --duration 6 --out <file>]
//
// Each limiter runs in its own process, in memory, and is audited by `bench --target`. About 10 s per audit.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    duration: { type: 'string', default: '6' },
    out: { type: 'string', default: 'docs/results/live-audits.md' },
  },
});

const ROOT = new URL('..', import.meta.url).pathname;
const LOAD = [
  '--connections',
  '6',
  '--users',
  '6',
  '--skew',
  '0',
  '--ramp',
  '0',
  '--duration',
  `${flags.duration}s`,
];
const POLICIES = [
  { capacity: 20, perSecond: 5 },
  { capacity: 20, perSecond: 100 },
  { capacity: 10, perSecond: 100 },
  { capacity: 5, perSecond: 1 },
  { capacity: 50, perSecond: 20 },
];
const WINDOWS = [
  { limit: 10, windowMs: 2_000 },
  { limit: 20, windowMs: 1_000 },
  { limit: 5, windowMs: 500 },
  { limit: 50, windowMs: 100 },
];

const policyOf = ({ capacity, perSecond }) => ['--policy', `${capacity}:${perSecond}/s`];
const promised = (type, { limit, windowMs }, alignment = '') => [
  ...['--policy', `${limit}:${limit}/${windowMs}ms`],
  ...['--promise', `${type}:${limit}/${windowMs}ms${alignment}`],
];
const bucket = (name, rule, more = []) => ({ name, rule, options: [...policyOf(rule), ...more] });
const window = (name, rule, type, alignment, more = []) => ({
  name,
  rule,
  options: [...promised(type, rule, alignment), ...more],
});

/** One for each seed after the first. */
const again = (audit, seeds) =>
  seeds.map((seed) => ({ ...audit, options: [...audit.options, '--seed', String(seed)] }));

const COSTS = ['--cost', '1,2,3', '--cost-header', 'x-cost'];

const CORRECT = [
  ...['bucketUs', 'bucketMs', 'gcra'].flatMap((name) => POLICIES.map((rule) => bucket(name, rule))),
  ...['bucketUs', 'bucketMs', 'gcra'].map((name) => bucket(name, POLICIES[0], COSTS)),
  ...again(bucket('bucketMs', POLICIES[0]), [2, 3]),
  ...again(bucket('bucketMs', POLICIES[1]), [2, 3]),
  ...WINDOWS.flatMap((rule) => [
    window('epochWindow', rule, 'fixed-window', ':epoch'),
    window('epochWindow', rule, 'fixed-window', ':epoch', ['--clock', 'date']),
    window('epochWindow', rule, 'fixed-window'),
    window('firstWindow', rule, 'fixed-window', ':first'),
    window('firstWindow', rule, 'fixed-window'),
    window('timerWindow', rule, 'fixed-window'),
    window('slidingLog', rule, 'sliding-window'),
  ]),
].map((audit) => ({ ...audit, isCorrect: true }));

const FAST = POLICIES.slice(0, 4);
const BROKEN = [
  ...[
    'holds one token more',
    'refills 5% too fast',
    'denies for a second after the first denial',
    'loses every tenth write',
    'loses every hundredth write',
    'counts in whole seconds',
    'charges what it denies',
    'has a bucket for each connection',
    'runs as two instances that share nothing',
    'checks, and charges 5 ms later',
  ].flatMap((name) => FAST.slice(0, 3).map((rule) => bucket(name, rule))),
  // Only an unused key expires, so there are too few requests to keep every key in use.
  ...FAST.map((rule) =>
    bucket('forgets a key after a rest of a quarter of the time to full', rule, [
      '--rate',
      String(6 * 2 * rule.perSecond),
    ]),
  ),
  ...WINDOWS.slice(0, 4).flatMap((rule) => [
    window('a sliding log that is a fixed window', rule, 'sliding-window'),
    window('admits one more in a window that a request starts', rule, 'fixed-window', ':first'),
    window('admits one more in a sliding window', rule, 'sliding-window'),
  ]),
  window('admits one more in a window of the epoch', WINDOWS[0], 'fixed-window', ':epoch', [
    '--clock',
    'date',
  ]),
  window('admits one more in a window of the epoch', WINDOWS[0], 'fixed-window'),
  window('ends its windows a tenth too early', WINDOWS[0], 'fixed-window', ':first'),
  window('ends its windows a tenth too early', WINDOWS[1], 'fixed-window'),
].map((audit) => ({ ...audit, isCorrect: false }));

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-live-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const serve = join(folder, 'serve.mjs');
  const entry = join(ROOT, 'test/support/serve-limiter.ts');
  const how = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' };
  await build({ entryPoints: [entry], outfile: serve, ...how });
  const audits = [...CORRECT, ...BROKEN].filter(({ name }) => name.includes(flags.only));
  const done = [];
  for (const audit of audits) {
    done.push({ ...audit, ...(await run(serve, audit)) });
    const { name, options, report } = done.at(-1);
    process.stderr.write(
      `${done.length} of ${audits.length}: ${name}, ${options.join(' ')}: ${[report.verdict, ...codesOf(report)].join(', ')}\n`,
    );
    writeFileSync(resolve(ROOT, flags.out), document(done)); // what is known, should a later one fail
  }
  const accused = done.filter(({ isCorrect, report }) => isCorrect && report.verdict === 'fail').length;
  process.stdout.write(`${summary(done).join('\n')}\n`);
  if (accused > 0) process.exitCode = 1;
}

/** The reasons that the report gives. */
function codesOf({ reasons = [] }) {
  return reasons.map(({ reason }) => reason);
}

/** Exit codes also carry verdicts; only an audit without a report has failed. */
async function run(serve, { name, rule, options }) {
  const server = spawn(process.execPath, [serve, name, JSON.stringify(rule)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(server.stdout, 'data');
    const typed = [
      'bench',
      '--target',
      String(line).trim(),
      '--subject-header',
      'x-api-key',
      ...LOAD,
      ...options,
    ];
    const reports = join(folder, 'reports');
    const { stdout, stderr } = await promisify(execFile)(
      join(ROOT, 'bin/openclaw-rl'),
      [...typed, '--json', '--reports', reports],
      { cwd: folder, env: { ...process.env, OPENCLAW_RL_STATE: join(folder, 'state') }, maxBuffer: 2 ** 28 },
    ).catch((error) => error);
    rmSync(reports, { recursive: true, force: true });
    if (!stdout) throw new Error(`openclaw-rl ${typed.join(' ')} gave no report: ${stderr}`);
    return { report: JSON.parse(stdout) };
  } finally {
    server.stdin.end();
    await once(server, 'close');
  }
}

function summary(done) {
  const counts = (isCorrect) => {
    const own = done.filter((audit) => audit.isCorrect === isCorrect);
    const of = (verdict) => own.filter(({ report }) => report.verdict === verdict).length;
    return `| ${isCorrect ? 'correct' : 'broken in one way'} | ${own.length} | ${of('fail')} | ${of('unknown')} | ${of('pass')} |`;
  };
  return [
    '| limiters | audits | fail | unknown | pass |',
    '| --- | --- | --- | --- | --- |',
    counts(true),
    counts(false),
  ];
}

function document(done) {
  return [
    '# Live audits',
    '',
    'Written by `npm run audit:live`: HTTP limiters on loopback, each in a process of its own, audited by',
    `\`bench --target\` for ${flags.duration} s. A correct one must not be accused. For each broken one that is not convicted, the`,
    'report says how much more it could have admitted unseen (headroom), or why it is not sure.',
    '',
    'Headroom is about admissions. A limiter whose windows end too early passes with none if later windows, wherever they lie,',
    'explain what it admitted. *Excess* of a limiter of windows is what it admitted beyond a token bucket of `--policy`, which',
    'it does not promise. Where windows convict, the column has how many of them. [What unknown means](../verdict.md#what-to-do-with-an-unknown).',
    '',
    ...summary(done),
    '',
    ...section(
      'Correct limiters',
      done.filter(({ isCorrect }) => isCorrect),
    ),
    ...section(
      'Limiters broken in one way',
      done.filter(({ isCorrect }) => !isCorrect),
    ),
    '',
  ].join('\n');
}

function section(title, audits) {
  if (audits.length === 0) return [];
  return [
    `## ${title}`,
    '',
    '| limiter | audited as | requests | verdict | excess, tokens | false denials | headroom, tokens | not sure since |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...audits.map(rowOf),
    '',
  ];
}

function rowOf({ name, options, report }) {
  const { verdict, sent, overAdmission, falseDenials, windows } = report;
  const excess = overAdmission.largestExcess > 0 ? overAdmission.largestExcess.toFixed(2) : '0';
  const found = windows.total > 0 ? `${windows.total} windows` : excess;
  const unsure = [...report.claims, ...report.accounts].filter((one) => one.verdict === 'unknown');
  const reasons = unsure.map(({ reason }) => reason.replaceAll('|', '/')).join('; ');
  return `| ${name} | \`${options.join(' ')}\` | ${sent} | ${verdict} | ${found} | ${falseDenials.total} | ${headroomOf(report)} | ${reasons} |`;
}

function headroomOf({ headroom }) {
  if (headroom === undefined) return '';
  const of = ({ tokens, ofTokens }) => `${tokens.toFixed(2)} of ${ofTokens}`;
  return `median ${of(headroom.median)}, most ${of(headroom.largest)}`;
}
