import { describe, expect, it } from 'vitest';
import type { CheckDocument } from '../../../src/report/check-report.ts';
import { callCli } from '../../support/call-cli.ts';
import { historyText, withoutProgress, write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';

const check = (operations: number, args: readonly string[]) => {
  const folder = testFolder();
  const file = write(folder, 'h.ndjson', historyText(operations));
  return callCli(['check', file, ...args], { cwd: folder });
};

/** 20 tokens in a millisecond are admitted by an ideal bucket. */
describe('check --claim', () => {
  it.each([
    { title: 'holds', operations: 21, claims: ['total-excess <= 10%'], code: 0, says: /^verdict {2}pass\n/ },
    {
      title: 'is broken',
      operations: 24,
      claims: ['total-excess <= 10%'],
      code: 1,
      says: /^verdict {2}fail\n {2}FAIL .*measured 20%, claimed at most 10%: 10% too many\n/,
    },
    {
      title: 'replaces the default claims, and is one of several',
      operations: 24,
      claims: ['total-excess <= 20%', 'worst-window <= 30%', 'false-denials <= 0.1%'],
      code: 0,
      says: /^verdict {2}pass\n/,
    },
    {
      title: 'brings evidence with it, which keeps its own limit',
      operations: 20,
      claims: ['total-excess <= 0', 'contested >= 2'],
      code: 2,
      says: / {2}\? .*claimed at least 2: 1 too few; take fewer users, a smaller policy or a longer load\n/,
    },
    {
      title: 'of speed that is missed is exit code 3',
      operations: 20,
      claims: ['total-excess <= 0', 'throughput >= 900000/s'],
      code: 3,
      says: /^verdict {2}pass, but too slow\n/,
    },
    {
      title: 'of a phase that the history does not have is unknown',
      operations: 20,
      claims: ['total-excess <= 10% during kill'],
      code: 2,
      says: / {2}\? total-excess <= 10% during kill: the run has no such phase; its phases are: whole run\n/,
    },
  ])('$title: exit code $code', async ({ operations, claims, code, says }) => {
    const result = await check(
      operations,
      claims.flatMap((claim) => ['--claim', claim]),
    );
    expect([result.code, result.stdout], result.stderr).toEqual([code, expect.stringMatching(says)]);
  });

  it('is explained before it is judged, and is in the JSON document with its evidence', async () => {
    const { stdout, stderr } = await check(21, ['--claim', 'total-excess<=10%', '--json']);
    expect(withoutProgress(stderr)).toMatch(
      /^total-excess <= 10%: at most 10% more admitted than an ideal bucket .*; if not, the run fails\n$/,
    );
    const { claims } = JSON.parse(stdout) as CheckDocument;
    expect(claims.map(({ claim }) => claim)).toEqual([
      ...['total-excess <= 10%', 'contested >= 1', 'info <= 50%', 'failed <= 90%', 'headroom <= 25%'],
    ]);
    expect(claims[0]?.measured).toBeCloseTo(0.05, 3);
    expect(claims[0]).toMatchObject({ status: 'holds', limit: 0.1, unit: 'share' });
  });

  it('does not say that the history was judged as an ideal bucket', async () => {
    const note = 'judged as an ideal bucket';
    expect((await check(24, [])).stdout).toContain(note);
    expect((await check(24, ['--claim', 'total-excess <= 10%'])).stdout).not.toContain(note);
  });

  it.each([
    {
      title: 'with a typo',
      args: ['--claim', 'total-exces <= 10%'],
      says: /unknown measure "total-exces"; did you mean total-excess\?[\s\S]*write a claim like 'total-excess <= 0'/,
    },
    {
      title: 'in a unit that its measure does not have',
      args: ['--claim', 'replay <= 10%'],
      says: /claim "replay <= 10%": the limit of replay must be/,
    },
    {
      title: 'on a bound',
      args: ['--claim', 'total-excess <= bound'],
      says: /claim "total-excess <= bound": a history declares no bound\n {2}claim tokens or a percentage, like 'total-excess <= 10%'; openclaw-rl gate/,
    },
    {
      title: 'beside the limit of a default claim',
      args: ['--claim', 'total-excess <= 10%', '--info', '10%'],
      says: /--info sets the limit of a default claim, and --claim replaces the default claims\n {2}remove --info; as a claim: --claim 'info <= 5%'/,
    },
    {
      title: 'beside a number of false denials',
      args: ['--claim', 'total-excess <= 10%', '--false-denials', '3'],
      says: /remove --false-denials; as a claim: --claim 'false-denials <= 0'/,
    },
  ])('$title is refused with the way out', async ({ args, says }) => {
    const { code, stderr } = await check(20, args);
    expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
  });

  it('goes with a limiter that declares any number of false denials', async () => {
    const { code } = await check(20, ['--claim', 'total-excess <= 10%', '--false-denials', 'any']);
    expect(code).toBe(0);
  });

  it('has its forms in the help', async () => {
    const { stdout } = await callCli(['check', '--help']);
    expect(stdout).toMatch(/--claim 'total-excess <= 10%' \\\n/);
    expect(stdout).toMatch(/Claims:\n {2}total-excess, worst-window +<= tokens, or <= 10%\n/);
    expect(stdout.replace(/\s+/g, ' ')).toContain('failed <= 90% and headroom <= 25%');
  });
});
