import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';
import { blocksOn } from '../../support/doc-blocks.ts';

const LOAD = ['--connections', '30', '--users', '12', '--skew', '0', '--duration', '2', '--ramp', '0'];
const EXAMPLE =
  blocksOn('docs/plugins.md', 'js').find(({ text }) => text.startsWith('// scripted.mjs'))?.text ?? '';
/** Reads and writes the count in two scripts. */
const RACY = `
  export const simulated = true;
  export const promise = ({ capacityTokens }) => \`fixed-window:\${capacityTokens}/4s:first\`;
  export const createLimiter = ({ policy, prefix, scripts }) => ({
    async take(user) {
      const keys = [prefix + ':' + user];
      const { values } = await scripts.run("return { redis.call('GET', KEYS[1]) or '0' }", keys);
      const count = Number(values[0]) + 1;
      if (count > policy.capacityTokens) return { allowed: false };
      await scripts.run("redis.call('SET', KEYS[1], ARGV[1], 'PX', 4000) return { 1 }", keys, [count]);
      return { allowed: true };
    },
  });
`;

async function simulate(text: string) {
  const cwd = testFolder();
  write(cwd, 'mine.mjs', text);
  const ran = await callCli(['bench', '--limiter', 'mine.mjs', '--simulate', ...LOAD, '--json'], { cwd });
  const history = () => readFileSync(join(cwd, 'reports/latest/history.ndjson'), 'utf8');
  return { ...ran, history };
}

it('simulates a plug-in that says so, and gives the same history again', async () => {
  const [first, second] = [await simulate(EXAMPLE), await simulate(`console.log('noise');${EXAMPLE}`)];
  for (const { stdout } of [first, second]) {
    const { simulated, claims } = JSON.parse(stdout);
    expect(simulated).toBe(true);
    expect(claims.filter(({ status }: { status: string }) => status !== 'holds')).toEqual([]);
  }
  expect(first.history().length).toBeGreaterThan(10_000);
  expect(first.history() === second.history()).toBe(true);
});

it('convicts a plug-in whose two scripts race', async () => {
  const { code, stdout } = await simulate(RACY);
  expect([code, JSON.parse(stdout).verdict]).toEqual([1, 'fail']);
});

it('refuses a plug-in that does not say that it can be simulated', async () => {
  const { code, stderr } = await simulate(EXAMPLE.replace('export const simulated = true;', ''));
  expect(code).not.toBe(0); // 64 in a process of its own, which it ends
  expect(stderr).toContain('cannot be simulated: it must export simulated = true');
});
