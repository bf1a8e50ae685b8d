import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { hasEvidence, proved } from '../support/proved.ts';
import { runVerified } from '../support/verified-run.ts';

const LIMITERS = join(import.meta.dirname, '../fixtures/limiters');
const SMALL =
  '--regions a,b --round-trip a:b=10 --replicas 0 --rate 80 --connections 200 --users 4 --skew 0 --roaming 1 --duration 5s --ramp 1 --policy 8:2/s'.split(
    ' ',
  );

async function run(args: readonly string[]) {
  const folder = testFolder();
  const { code, stdout, stderr } = await runVerified([...args, '--json'], { cwd: folder });
  expect(stdout, stderr).not.toBe('');
  expect(processesMentioning(folder)).toEqual([]);
  const report: RunReport = JSON.parse(stdout);
  const history = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8');
  const header = JSON.parse(history.split('\n', 1)[0] ?? '');
  return { code, report, header, history, stderr };
}

const bench = (file: string, more: readonly string[] = []) =>
  run(['bench', '--limiter', resolve(LIMITERS, file), ...SMALL, ...more]);

const isConvicted = ({ code }: { readonly code: number | string }) => code === 1;

describe('a run with a plug-in', { timeout: 240_000 }, () => {
  it('acquits one that keeps its promise', async () => {
    const { code, report, header, history, stderr } = await proved(() => bench('exact.mjs'), hasEvidence);
    expect([code, report.verdict], JSON.stringify(report.claims) + stderr).toEqual([0, 'pass']);
    expect([report.strategy, header.strategy]).toEqual(['plugin:exact.mjs', 'plugin:exact.mjs']);
    expect(report).toMatchObject({ promise: 'token-bucket', unaccounted: 0, replay: { replayed: 0 } });
    expect(history).toMatch(
      /"outcome":"denied","status":429,"stated":{"remaining":0,"retryAfterS":0\.\d{4,6}},"intendedUs":\d+}/,
    );
    expect(report.plan.limiter).toBe(join(LIMITERS, 'exact.mjs'));
    expect(report.command).toContain(
      `openclaw-rl bench --limiter ${join(LIMITERS, 'exact.mjs')} --policy 8:2/s`,
    );
  });

  it('places its clients in the region of the service, whatever they are', async () => {
    const { code, report } = await proved(() => bench('plain-client.mjs'), hasEvidence);
    expect([code, report.verdict, report.troubles]).toEqual([0, 'pass', []]);
  });

  it('does not acquit one whose client is in no region', async () => {
    const { code, report } = await bench('outside.mjs');
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([2, 'unknown']);
    const trouble = (region: string) =>
      expect.stringMatching(
        `^the limiter of rating-${region} connected to 127[.\\d]+:\\d+ from 127.0.0.1, and not from redis.localAddress, 127[.\\d]+.200: latency and faults of its region did not reach it$`,
      );
    expect(report.troubles).toEqual([trouble('a'), trouble('b')]);
  });

  it('convicts one whose buckets hold a token more', async () => {
    const { code, report } = await proved(() => bench('generous.mjs'), isConvicted);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([1, 'fail']);
    expect(report.overAdmission.largestExcess).toBeGreaterThan(0.5);
    expect(report.overAdmission.largestExcess).toBeLessThanOrEqual(1);
  });

  it.each([
    { title: 'convicts one that forgets users who rest', more: [], want: [1, 'fail'] },
    { title: 'has nothing to show that where none rests', more: ['--resting', '0'], want: [0, 'pass'] },
  ])('$title', async ({ more, want }) => {
    const one =
      '--regions a --connections 200 --rate 60 --users 6 --duration 16s --ramp 0.5 --policy 8:1/s --rest 5 --seed 7';
    const other = '--replicas 0 --skew 0 --roaming 0 --claim';
    const args = [...`${one} ${other}`.split(' '), 'total-excess <= 0', ...more];
    const { code, report } = await run(['bench', '--limiter', resolve(LIMITERS, 'forgetful.mjs'), ...args]);
    expect([code, report.verdict], JSON.stringify([report.accounts, report.claims])).toEqual(want);
  });

  it('U2: convicts one that locks its users out for ever, and says that denials are not judged', async () => {
    const load = '--regions a --replicas 0 --connections 200 --rate 100 --users 4 --skew 0 --roaming 0';
    const args = `${load} --duration 12s --ramp 0.5 --policy 8:4/s --seed 7`.split(' ');
    const { code, report } = await run(['bench', '--limiter', resolve(LIMITERS, 'locked.mjs'), ...args]);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([1, 'fail']);
    const broken = report.claims.filter(({ status }) => status === 'broken');
    expect(broken.map(({ claim }) => claim)).toEqual(['admitted >= 50% of ideal']);
    expect(report.notJudged).toEqual([
      'denials: fixed-window:8/2s:first does not say when its windows start',
    ]);
  });

  it('judges by the typed promise, and shows the reading as a token bucket', async () => {
    const { code, report } = await bench('generous.mjs', ['--promise', 'fixed-window:11/1s']);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([1, 'fail']); // its windows are never full
    expect(report.promise).toBe('fixed-window:11/1s');
    const [, floor] = report.claims;
    expect(floor).toMatchObject({ claim: 'admitted >= 50% of ideal', status: 'broken' });
    expect(report.claims).toContainEqual(expect.objectContaining({ claim: 'windows <= 0', status: 'holds' }));
    expect(report.overAdmission.largestExcess).toBeGreaterThan(0.5);
  });

  it('finds the plug-in next to the scenario file', async () => {
    const folder = testFolder();
    mkdirSync(join(folder, 'mine'));
    writeFileSync(
      join(folder, 'mine/window.mjs'),
      `console.log('listening on http://127.0.0.1:1'); // not into the report, and not the service's address
       console.log('{"ready":{"address":"http://127.0.0.1:1","promise":"token-bucket"}}');
       export { createLimiter } from ${JSON.stringify(join(LIMITERS, 'exact.mjs'))};
       export const promise = ({ capacityTokens }) => 'sliding-window:' + capacityTokens + '/1s';`,
    );
    writeFileSync(
      join(folder, 'mine/window.yaml'),
      `# Does a window hold where a bucket decides?
limiter: ./window.mjs
policy: 8:2/s
topology: { regions: [a, b], replicas: 0, roundTrip: { 'a:b': 10ms } }
load: { mode: open, rate: 80, connections: 200, users: 4, skew: 0, roaming: 1, ramp: 1s, duration: 5s }
faults: [{ fault: latency, between: [a, b], add: 20ms, at: 1s, for: 2s }]
claims: [windows <= 9999, contested >= 50%, exercised >= 0%]
`,
    );
    const { code, report } = await proved(() => run(['run', join(folder, 'mine/window.yaml')]), hasEvidence);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([0, 'pass']);
    expect([report.strategy, report.promise]).toEqual(['plugin:window.mjs', 'sliding-window:8/1s']);
  });
});

/** A plug-in in a file of this name that takes by this expression. */
function exactBut(name: string, takes: string): string {
  const file = join(testFolder(), name);
  writeFileSync(
    file,
    `import * as exact from ${JSON.stringify(join(LIMITERS, 'exact.mjs'))};
     const fail = (text) => { throw new Error(text); };
     export const createLimiter = (options) => {
       const { take, close } = exact.createLimiter(options);
       return { take: async (user, cost) => ${takes}, close };
     };`,
  );
  return file;
}

describe('a limiter that does not decide', { timeout: 90_000 }, () => {
  it('has its reason in the report, and the number of takes without an answer', async () => {
    // One take for each service: every connection that waits for an answer asks for no other user.
    const isFirst = '(globalThis.silent = (globalThis.silent ?? 0) + 1) === 1';
    const silent = `user.endsWith('1') && ${isFirst} ? new Promise(() => {})`;
    const failing = "user.endsWith('2') ? fail('no luck \\u001b[31m')";
    const { report } = await bench(exactBut('fails.mjs', `${silent} : ${failing} : take(user, cost)`));
    const [failed = '', unanswered = ''] = report.notes?.filter((note) => note.includes('plug-in')) ?? [];
    expect(failed).toContain(
      'LIMITER_FAILED: plugin:fails.mjs: no luck \\u001b[31m; the errors of the plug-in',
    );
    expect(unanswered).toMatch(/^the plug-in never answered [1-9]\d* takes?: /);
  });
});

describe('a limiter that ends its service', { timeout: 90_000 }, () => {
  it.each([
    { end: 'exit(0)', says: '64: plugin:leaves.mjs terminated its process with code 0' },
    { end: 'reallyExit(0)', says: '0' },
  ])('by process.$end has not passed', async ({ end, says }) => {
    const leaves = "options.region === 'a' && !user.startsWith('warm-up')";
    const file = exactBut('leaves.mjs', `${leaves} ? process.${end} : take(user, cost)`);
    const { code, report } = await bench(file, ['--claim', 'windows <= 9999']);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([2, 'unknown']);
    expect(report.troubles).toEqual([`rating-a ended with code ${says}`]);
  });

  it.each([
    { makes: '() => process.exit(0)', says: /^error: plugin:mine\.mjs terminated its process with code 0$/m },
    {
      makes: `async () => {
        console.error('error: plugin:mine.mjs lies\\n  wait [INVALID_OPTION]');
        throw new Error('not today');
      }`,
      says: /^error: plugin:mine\.mjs failed to start: not today$/m,
    },
  ])('before it listens gives exit code 64: $makes', async ({ makes, says }) => {
    const folder = testFolder();
    writeFileSync(join(folder, 'mine.mjs'), `export const createLimiter = ${makes};`);
    const { code, stdout, stderr } = await runCli(['bench', '--limiter', './mine.mjs', ...SMALL], {
      cwd: folder,
    });
    expect([code, stdout], stderr).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(stderr).toContain(`the file is ${join(folder, 'mine.mjs')} [INVALID_OPTION]`);
    expect(processesMentioning(folder)).toEqual([]);
  });
});

describe('a limiter that cannot be used', () => {
  const exact = join(LIMITERS, 'exact.mjs');
  it.each([
    {
      title: 'is not there',
      args: ['bench', '--limiter', './mine.mjs'],
      says: /plugin:mine\.mjs cannot be loaded: .*mine\.mjs[\s\S]*see docs\/plugins\.md; the file is \/.*\/mine\.mjs \[INVALID_OPTION\]/,
    },
    {
      title: 'is not there, in chaos',
      args: ['chaos', 'kill', '--node', 'us-east-0', '--limiter', './mine.mjs'],
      says: /plugin:mine\.mjs cannot be loaded/,
    },
    {
      title: 'is used with a strategy',
      args: ['bench', '--limiter', exact, '--strategy', 'central'],
      says: /option '--limiter <file>' cannot be used with option '--strategy <name>'/,
    },
    {
      title: 'is used with a target',
      args: ['bench', '--limiter', exact, '--target', 'http://127.0.0.1:1/'],
      says: /--limiter: cannot be used with --target/,
    },
    {
      title: 'would be in a container',
      args: ['bench', '--limiter', exact, '--provider', 'docker'],
      says: /plug-ins run in local regions only, not in containers\n {2}remove --provider docker/,
    },
    {
      title: 'is asked for evidence',
      args: ['serve', 'rating', '--redis', 'redis://127.0.0.1:1', '--limiter', exact, '--evidence'],
      says: /--decision-ids and --evidence cannot be used with --limiter/,
    },
    {
      title: 'is none, and only its promise was typed',
      args: ['chaos', 'kill', '--node', 'us-east-0', '--promise', 'token-bucket'],
      says: /--promise: only valid with --limiter/,
    },
  ])('$title: exit code 64, and nothing was started', async ({ args, says }) => {
    const folder = testFolder();
    const { code, stdout, stderr } = await callCli(args, { cwd: folder });
    expect([code, stdout], stderr).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    {
      more: 'strategy: central\n',
      says: /mine\.yaml:3:1 limiter: `limiter` and `strategy` are mutually exclusive/,
    },
    {
      more: '',
      says: /plugin:none\.mjs exports an invalid `promise`: promise "leaky": unknown promise "leaky"; expected one of /,
    },
  ])('is said of a scenario, too: $says', async ({ more, says }) => {
    const folder = testFolder();
    writeFileSync(
      join(folder, 'none.mjs'),
      "export const createLimiter = () => {}; export const promise = 'leaky';",
    );
    writeFileSync(
      join(folder, 'mine.yaml'),
      `# Why anyone should care.\n${more}limiter: none.mjs\nclaims: [windows <= 0]\n`,
    );
    const { code, stderr } = await callCli(['run', 'mine.yaml'], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toMatch(says);
  });
});
