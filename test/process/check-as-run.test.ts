import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { STRATEGY_NAMES } from '../../src/core/strategies.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { write } from '../support/check-files.ts';
import { testFolder } from '../support/cli.ts';

/** A region is cut off, then a primary is killed. */
const SCENARIO = `# One run.
policy: 20:5/s
load: { mode: open, connections: 300, users: 6, skew: 0, rate: 150, ramp: 0s, duration: 7s }
faults:
  - { fault: partition, isolate: [eu-west], mode: refuse, at: 1s, for: 2s }
  - { fault: kill, node: us-east-0, at: 4s, for: 1s }
`;

/** The script gets the capacity, and how many milliseconds a window lasts. */
const windows = (promise: string, script: string) => `
  export const simulated = true;
  export const promise = ({ capacityTokens }) => '${promise}'.replace('20', capacityTokens);
  export const createLimiter = ({ policy, prefix, scripts }) => ({
    async take(user) {
      const args = [policy.capacityTokens, 4000];
      const { values } = await scripts.run(\`${script}\`, [prefix + ':' + user], args);
      return { allowed: values[0] === 1 };
    },
  });
`;
const OPENED = `
  local count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return { count <= tonumber(ARGV[1]) and 1 or 0 }`;
const TOO_MANY = OPENED.replace('tonumber(ARGV[1])', 'ARGV[1] + 5');
const OF_EPOCH = `
  local time = redis.call('TIME')
  local window = math.floor(time[1] * 1000 / ARGV[2])
  local stored, count = string.match(redis.call('GET', KEYS[1]) or '', '(%d+) (%d+)')
  if stored ~= tostring(window) then count = 0 end
  if tonumber(count) >= tonumber(ARGV[1]) then return { 0 } end
  redis.call('SET', KEYS[1], window .. ' ' .. (count + 1), 'PX', 2 * ARGV[2])
  return { 1 }`;
const LOGGED = `
  local time = redis.call('TIME')
  local now, log, count = time[1] * 1000000 + time[2], '', 0
  for at in string.gmatch(redis.call('GET', KEYS[1]) or '', '%d+') do
    if now - at < ARGV[2] * 1000 then log, count = log .. at .. ' ', count + 1 end
  end
  if count >= tonumber(ARGV[1]) then return { 0 } end
  redis.call('SET', KEYS[1], log .. string.format('%.0f', now), 'PX', 2 * ARGV[2])
  return { 1 }`;
const BUCKET = `export * from '${pathToFileURL('test/fixtures/limiters/scripted/atomic.mjs')}';`;

/** The report of a command, and its exit code. */
async function reportOf(args: readonly string[], cwd: string) {
  const { code, stdout, stderr } = await callCli([...args, '--json'], { cwd });
  if (stdout === '') throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as RunReport };
}

/** Runs a limiter in virtual time, in a folder of its own. */
async function simulate(limiter: string, claims: readonly string[], plugin = '') {
  const cwd = testFolder();
  write(cwd, 'mine.mjs', plugin);
  write(cwd, 'mine.yaml', `${SCENARIO}${limiter}\nclaims: ${JSON.stringify(claims)}\n`);
  const run = await reportOf(['run', 'mine.yaml', '--simulate'], cwd);
  const check = (...options: string[]) =>
    reportOf(['check', 'reports/latest/history.ndjson', ...options], cwd);
  return { run, check };
}

/** What a judge finds, whatever is claimed. */
function found(report: RunReport) {
  const { promise, sent, outcomes, errors, unaccounted, overAdmission, falseDenials, windows, replay } =
    report;
  const { headroom, clock, faults, events, troubles, contested } = report;
  const [worst, denial, window] = [overAdmission, falseDenials, windows].map(({ findings }) => findings[0]);
  return {
    ...{ promise, sent, outcomes, errors, unaccounted, headroom, clock, faults, events, troubles },
    overAdmission: [overAdmission.total, overAdmission.buckets, worst?.inequality],
    denials: [falseDenials.judged, falseDenials.total, falseDenials.buckets, denial?.inequality],
    windows: [windows.total, windows.buckets, window?.inequality],
    replay: [replay.replayed, replay.total],
    contested: contested.buckets,
  };
}

describe('of the history of a plug-in, check gives the verdict of its run', () => {
  it.each([
    {
      promise: 'fixed-window:20/4s:first',
      by: 'windows that a request opens',
      script: OPENED,
      verdict: 'pass',
    },
    { promise: 'fixed-window:20/4s:first', by: 'windows of 25', script: TOO_MANY, verdict: 'fail' },
    { promise: 'fixed-window:20/4s', by: 'windows that a request opens', script: OPENED, verdict: 'unknown' },
    { promise: 'fixed-window:20/4s:epoch', by: 'windows of the epoch', script: OF_EPOCH, verdict: 'pass' },
    { promise: 'sliding-window:20/4s', by: 'a log', script: LOGGED, verdict: 'pass' },
    { promise: 'sliding-counter:20/4s', by: 'a log', script: LOGGED, verdict: 'pass' },
  ])('which promises $promise, by $by: $verdict', async ({ promise, script, verdict }) => {
    // What is admitted outside of faults is too little to judge, and two windows after them are too few for a counter.
    const claims = ['windows <= 0', 'exercised >= 0%'];
    const { run, check } = await simulate('limiter: mine.mjs', claims, windows(promise, script));
    const asOfRun = [...claims, 'headroom <= 50%'].flatMap((claim) => ['--claim', claim]);
    const checked = await check(...asOfRun);
    expect(found(checked.report)).toEqual(found(run.report));
    expect([checked.report.verdict, checked.code]).toEqual([run.report.verdict, run.code]);
    expect([run.report.promise, run.report.verdict]).toEqual([promise, verdict]);
    expect(run.report.outcomes.denied).toBeGreaterThan(50);
  });

  it('which promises a token bucket', async () => {
    const { run, check } = await simulate('limiter: mine.mjs', ['total-excess <= 0'], BUCKET);
    const checked = await check();
    expect(found(checked.report)).toEqual(found(run.report));
    expect([checked.report.verdict, run.report.verdict]).toEqual(['pass', 'pass']);
    expect(run.report.falseDenials.judged).toBeGreaterThan(50);
  });
});

const ANY_HEADROOM = ['total-excess <= 0', 'headroom <= 50%'];

it.each(STRATEGY_NAMES)('of the history of %s, check finds what its run found', async (strategy) => {
  const { run, check } = await simulate(`strategy: ${strategy}`, ANY_HEADROOM);
  const checked = await check(...ANY_HEADROOM.flatMap((claim) => ['--claim', claim]));
  expect(found(checked.report)).toEqual(found(run.report));
  expect([checked.report.verdict, checked.code]).toEqual([run.report.verdict, run.code]);
  expect(run.report.faults).toHaveLength(6);
  expect(run.report.outcomes.denied).toBeGreaterThan(50);
});
