import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { write } from '../../support/check-files.ts';
import { runCli, testFolder } from '../../support/cli.ts';
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
  const [first, second] = [await simulate(EXAMPLE), await simulate(EXAMPLE)];
  for (const { stdout, stderr } of [first, second]) {
    expect(stderr).not.toContain('warning');
    const { simulated, verdict, claims } = JSON.parse(stdout);
    expect([simulated, verdict]).toEqual([true, 'pass']);
    expect(claims.filter(({ status }: { status: string }) => status !== 'holds')).toEqual([]);
  }
  expect(first.history().length).toBeGreaterThan(10_000);
  expect(first.history() === second.history()).toBe(true);
});

it('convicts a plug-in whose two scripts race', async () => {
  const { code, stdout } = await simulate(RACY);
  expect([code, JSON.parse(stdout).verdict]).toEqual([1, 'fail']);
});

/** In a process of its own, which a refusal ends. */
async function simulateApart(text: string) {
  const cwd = testFolder();
  write(cwd, 'mine.mjs', text);
  const ran = await runCli(['bench', '--limiter', 'mine.mjs', '--simulate', ...LOAD, '--json'], { cwd });
  const log = () => readFileSync(join(cwd, 'reports/latest/logs/rating-simulated.log'), 'utf8');
  return { ...ran, log };
}

it('keeps what a plug-in prints, and its errors, in its log, and does not wait for its timers', async () => {
  const text = EXAMPLE.replace(
    /async take\(.*\n/,
    "$&      console.log('noise'); if (user.endsWith('1')) throw new Error('no luck');\n",
  );
  const { code, stdout, log } = await simulateApart(`setInterval(() => {}, 1_000);${text}`);
  expect(text).toContain('noise');
  const report = JSON.parse(stdout);
  expect([code, report.verdict, report.simulated]).toEqual([0, 'pass', true]);
  expect(log()).toMatch(/^noise$/m);
  expect(log()).toMatch(/^service 1 of \S+, start 1: cannot decide: .*no luck \[LIMITER_FAILED\]$/m);
});

it('warns once of each thing that a plug-in uses outside the simulation', async () => {
  const imports = `
    import { connect } from 'node:net';
    import { setTimeout as sleep } from 'node:timers/promises';
    connect(1, '127.0.0.1').on('error', () => {});
    setInterval(() => {}, 10_000).unref();
  `;
  const uses = 'Date.now(); Math.random(); await sleep(1);';
  const before = [Date.now, Math.random, setTimeout, setInterval];
  const { stderr } = await simulate(imports + EXAMPLE.replace(/async take\(.*\n/, `$&${uses}`));
  const warnings = [
    ...stderr.matchAll(/^warning: plugin:mine\.mjs used (.*), which a .*\n {2}use (.*), which/gm),
  ];
  expect(warnings.map(([, what, instead]) => [what, instead])).toEqual([
    ['a connection', 'scripts.run'],
    ['setInterval', 'time.every'],
    ['Date.now', 'time.dateMs or time.nowUs'],
    ['Math.random', 'randomUpTo'],
    ['setTimeout', 'time.after'],
  ]);
  expect([Date.now, Math.random, setTimeout, setInterval]).toEqual(before);
});

it.each([
  {
    plugin: 'does not say that it can be simulated',
    text: EXAMPLE.replace('export const simulated = true;', ''),
    says: 'cannot be simulated: it must export simulated = true',
  },
  {
    plugin: 'never makes its limiter',
    text: `export const simulated = true; export const createLimiter = () => new Promise(() => {});`,
    says: 'is not ready after 10 s: its import or createLimiter is still pending',
  },
  {
    plugin: 'fails to make its limiter',
    text: `export const simulated = true; export const createLimiter = () => { throw new Error('no'); };`,
    says: 'failed to start: no',
  },
  {
    plugin: 'throws in a timer',
    text: EXAMPLE.replace(
      'scripts }) {',
      "scripts, time }) {\n  time.after(50, () => { throw new Error('too late'); });",
    ),
    says: 'plugin:mine.mjs threw an uncaught error: too late',
  },
])('refuses a plug-in that $plugin', async ({ text, says }) => {
  const { code, stdout, stderr } = await simulateApart(text);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain(says);
});

it('whose limiter cannot be made a second time leaves its fault in force, as a real one', async () => {
  const cwd = testFolder();
  const once = `let starts = 0;
  export const createLimiter = (options) => {
    if (++starts > 1) throw new Error('no second start');
    return make(options);
  };
  function make(`;
  write(cwd, 'mine.mjs', EXAMPLE.replace('export function createLimiter(', once));
  const fault = ['chaos', 'restart-service', '--region', 'eu-west', '--at', '500ms', '--for', '500ms'];
  const args = [...fault, '--limiter', 'mine.mjs', '--simulate', ...LOAD, '--json'];
  const { code, stdout, stderr } = await callCli(args, { cwd });
  expect(code, stderr).toBe(2);
  const { verdict, troubles, faults, sent, outcomes } = JSON.parse(stdout);
  const why = 'plugin:mine.mjs failed to start: no second start';
  expect([verdict, troubles]).toEqual([
    'unknown',
    [`heal restart-service: OpenclawError: ${why}`, `restart-service was healed late: ${why}`],
  ]);
  expect(faults.map(({ phase }: { phase: string }) => phase)).not.toContain('heal');
  expect(outcomes.failed).toBeGreaterThan(100);
  expect(outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info).toBe(sent);
});
