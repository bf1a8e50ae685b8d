import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import type { Verification } from '../../src/report/verification.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { hasEvidence, proved } from '../support/proved.ts';

const LIMITERS = join(import.meta.dirname, '../fixtures/limiters');

/** Six users who send from both regions: cheap requests drain the first policy, expensive ones the second. */
const SMALL =
  '--regions a,b --round-trip a:b=10 --replicas 0 --rate 200 --connections 400 --users 6 --skew 0 --roaming 1 --ramp 1 --duration 6 --resting 0'.split(
    ' ',
  );
const POLICIES = '--policy requests=10:10/s --policy tokens=60:20/s --cost tokens=1,10'.split(' ');
const CLAIMS = [
  '--claim',
  'total-excess <= 0',
  '--claim',
  'false-denials <= 0',
  '--claim',
  'contested >= 50%',
];

async function bench(more: readonly string[]) {
  const folder = testFolder();
  const args = ['bench', ...SMALL, ...POLICIES, ...more, '--json', '--certificate'];
  const { code, stdout, stderr } = await runCli(args, { cwd: folder });
  expect(stdout, stderr).not.toBe('');
  expect(processesMentioning(folder)).toEqual([]);
  const report: RunReport = JSON.parse(stdout);
  const verified = await runCli(['verify', '--json'], { cwd: folder });
  const verification: Verification = JSON.parse(verified.stdout);
  expect(verification.refusals).toEqual([]);
  const read = (file: string) => readFileSync(join(folder, 'reports/latest', file), 'utf8');
  return { code, report, verification, read, stderr };
}

/** A plug-in that breaks one policy in the way of this maker in several-broken.mjs. */
function broken(maker: string, policy: string): string {
  const file = join(testFolder(), 'broken.mjs');
  writeFileSync(
    file,
    `import { ${maker} } from ${JSON.stringify(join(LIMITERS, 'several-broken.mjs'))};
     export const severalPolicies = true;
     export const createLimiter = ${maker}('${policy}');`,
  );
  return file;
}

describe('a run with several policies', { timeout: 240_000 }, () => {
  it('passes with strategy central, each bucket judged by its own policy', async () => {
    const { code, report, verification, read, stderr } = await proved(() => bench([]), hasEvidence);
    expect([code, report.verdict], JSON.stringify(report.claims) + stderr).toEqual([0, 'pass']);
    expect(report.policies).toEqual({ requests: '10:10/s', tokens: '60:20/s' });
    expect([report.buckets, report.contested]).toEqual([12, expect.objectContaining({ ofBusiest: 12 })]);
    expect(verification.verified.proved).toBeGreaterThan(0);
    for (const part of [POLICIES.slice(0, 4), POLICIES.slice(4)])
      expect(report.command).toContain(part.join(' '));
    const [header, ...operations] = read('history.ndjson')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(Object.keys(header.policies)).toEqual(['requests', 'tokens']);
    const charged = operations.filter(({ type }) => type === 'op').map(({ charges }) => charges);
    expect(new Set(charged.map(([requests, tokens]) => `${requests.cost} ${tokens.cost}`))).toEqual(
      new Set(['1 1', '1 10']),
    );
  });

  it('passes with a plug-in that enforces them', async () => {
    const enforcing = ['--limiter', join(LIMITERS, 'several.mjs'), ...CLAIMS];
    const { code, report } = await proved(() => bench(enforcing), hasEvidence);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([0, 'pass']);
  });

  it.each([
    { maker: 'ignoring', policy: 'requests' },
    { maker: 'ignoring', policy: 'tokens' },
    { maker: 'chargingOne', policy: 'tokens' },
  ])('convicts a plug-in by $maker $policy, and names the policy', async ({ maker, policy }) => {
    const { code, report, read } = await bench(['--limiter', broken(maker, policy), ...CLAIMS]);
    expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([1, 'fail']);
    const { worst, findings } = report.overAdmission;
    expect(worst?.policy).toBe(policy);
    for (const found of [...findings, ...report.worstBuckets]) {
      expect(found.policy).toBe(policy);
      expect(found.bucket).toMatch(new RegExp(`^ratings:u\\d \\(${policy}\\)$`));
    }
    const [claim] = report.claims;
    expect([claim?.status, claim?.reason]).toEqual(['broken', expect.stringContaining(`(${policy})`)]);
    expect(read('junit.xml')).toMatch(new RegExp(`<failure [^>]*\\(${policy}\\)`));
  });

  it.each(['requests', 'tokens'])(
    'convicts a plug-in that charges %s although the other denied, and names it where it is clear',
    async (policy) => {
      const { code, report, read } = await proved(
        () => bench(['--limiter', broken('keepingDenied', policy), ...CLAIMS]),
        ({ report: { falseDenials } }) => falseDenials.total > 0, // long overlaps can explain all of them
      );
      expect([code, report.verdict], JSON.stringify(report.claims)).toEqual([1, 'fail']);
      expect([report.overAdmission.buckets, report.falseDenials.total > 0]).toEqual([0, true]);
      const why = `policy ${policy} is charged by requests that another policy denied`;
      const named = { reason: 'partial-charges', sentence: expect.stringContaining(why) };
      const { reasons = [] } = report; // on a busy machine decisions overlap so much that nothing is said
      expect(reasons).toEqual(reasons.length === 0 ? [] : [named]);
      for (const file of ['junit.xml', 'report.md'])
        expect(read(file).includes(why)).toBe(reasons.length > 0);
    },
  );
});
