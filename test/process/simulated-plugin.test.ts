import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { write } from '../support/check-files.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { blocksOn } from '../support/doc-blocks.ts';

const LOAD = ['--connections', '30', '--users', '12', '--skew', '0', '--duration', '2', '--ramp', '0'];
/** A load of 2 s asks for one window of 4 s only, so the claims of a run that passes leave out what is admitted later. */
const ONE_WINDOW = ['--claim', 'windows <= 0', '--claim', 'contested >= 80%'];
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

async function simulate(text: string, more: readonly string[] = []) {
  return simulateIn(folderWith({ 'mine.mjs': text }), 'mine.mjs', more);
}

function folderWith(files: Readonly<Record<string, string>>): string {
  const cwd = testFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    write(cwd, name, text);
  }
  return cwd;
}

/** `limiter` is a path in this folder. */
async function simulateIn(cwd: string, limiter = 'mine.mjs', more: readonly string[] = []) {
  const ran = await callCli(['bench', '--limiter', limiter, '--simulate', ...LOAD, ...more, '--json'], {
    cwd,
  });
  const history = () => readFileSync(join(cwd, 'reports/latest/history.ndjson'), 'utf8');
  return { ...ran, history, cwd };
}

/** The example, whose take does this first. */
function taking(body: string): string {
  const text = EXAMPLE.replace(/async take\(.*\n/, `$&${body}\n`);
  expect(text).toContain(body);
  return text;
}

it('simulates a plug-in that says so, and gives the same history again', async () => {
  const [first, second] = [await simulate(EXAMPLE, ONE_WINDOW), await simulate(EXAMPLE, ONE_WINDOW)];
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
  const text = taking("console.log('noise'); if (user.endsWith('1')) throw new Error('no luck');");
  const { code, stdout, log } = await simulateApart(`setInterval(() => {}, 1_000);${text}`);
  const report = JSON.parse(stdout);
  expect([code, report.verdict, report.simulated]).toEqual([2, 'unknown', true]); // for its timer
  expect(log()).toMatch(/^noise$/m);
  expect(log()).toMatch(/^service 1 of \S+, start 1: cannot decide: .*no luck \[LIMITER_FAILED\]$/m);
  expect(report.notes).toEqual([
    'LIMITER_FAILED: plugin:mine.mjs: no luck; the errors of the plug-in are in logs/rating-*.log in the folder of the run',
  ]);
});

it('warns once of each thing that a plug-in uses outside the simulation', async () => {
  const imports = `
    import { connect } from 'node:net';
    import { uptime } from 'node:os';
    import { scheduler, setTimeout as sleep } from 'node:timers/promises';
    connect(1, '127.0.0.1').on('error', () => {});
    setInterval(() => {}, 10_000).unref();
  `;
  const uses = `
    Date.now(); Math.random(); performance.now(); process.hrtime.bigint(); process.hrtime(); new Date(1); new Date();
    process.uptime(); uptime(); performance.mark('a'); performance.measure('b'); AbortSignal.timeout(1);
    await sleep(1); await scheduler.wait(1);
  `;
  const globals = () => [
    ...[Date, Date.now, Math.random, setTimeout, setInterval],
    ...[performance.now, process.hrtime, process.hrtime.bigint, process.kill, process.abort],
    ...[performance.mark, performance.measure, process.uptime, os.uptime, AbortSignal.timeout],
    scheduler.wait,
  ];
  const before = globals();
  const { stderr } = await simulate(imports + taking(uses));
  const warnings = [
    ...stderr.matchAll(/^warning: plugin:mine\.mjs used (.*), which a .*\n {2}use (.*), which/gm),
  ];
  expect(warnings.map(([, what, instead]) => [what, instead])).toEqual([
    ['net.connect', 'scripts.run'],
    ['a connection', 'scripts.run'],
    ['setInterval', 'time.every'],
    ['Date.now', 'time.dateMs or time.nowUs'],
    ['Math.random', 'randomUpTo'],
    ['performance.now', 'time.dateMs or time.nowUs'],
    ['process.hrtime.bigint', 'time.dateMs or time.nowUs'],
    ['process.hrtime', 'time.dateMs or time.nowUs'],
    ['new Date', 'time.dateMs or time.nowUs'],
    ['process.uptime', 'time.dateMs or time.nowUs'],
    ['os.uptime', 'time.dateMs or time.nowUs'],
    ['performance.mark', 'time.dateMs or time.nowUs'],
    ['performance.measure', 'time.dateMs or time.nowUs'],
    ['AbortSignal.timeout', 'time.after'],
    ['setTimeout', 'time.after'],
    ['scheduler.wait', 'time.after'],
  ]);
  expect(globals()).toEqual(before);
});

it.each([
  { title: 'keeps', text: taking('Date.now();') },
  { title: 'breaks', text: `setInterval(() => {}, 10_000).unref(); ${RACY}` },
])('decides nothing of a plug-in with a clock of its own that $title its promise', async ({ text }) => {
  const { code, stdout, cwd } = await simulate(text);
  const { verdict, outside, proofs } = JSON.parse(stdout);
  expect([code, verdict, outside?.length, proofs.proved, proofs.convicted]).toEqual([2, 'unknown', 1, 0, 0]);
  const gated = await callCli(['gate', '--simulated', '--claim', 'total-excess <= 0'], { cwd });
  expect([gated.code, gated.stdout]).toEqual([2, expect.stringContaining(`? ${outside[0]}`)]);
  const history = 'reports/latest/history.ndjson';
  const checked = await callCli(['check', history, '--promise', 'fixed-window:20/4s:first', '--brief'], {
    cwd,
  });
  expect([checked.code, checked.stdout]).toEqual([2, expect.stringContaining(`? ${outside[0]}`)]);
});

const ASKS_HELPER = `import { now } from './helper.mjs'; ${taking('void now();')}`;
const LIBRARY = new URL('../../dist', import.meta.url).href;
const LATER = 'const now = () => Promise.resolve().then(() => Date.now());';

it.each([
  { title: 'a link to its file', link: 'mine.mjs', to: 'real/plug.mjs' },
  { title: 'a link to its folder', link: 'linked', to: 'real', limiter: 'linked/plug.mjs' },
  { title: 'a link to a package', link: 'mine.mjs', to: 'node_modules/real/plug.mjs' },
])('notices a clock of a plug-in that is named by $title', async ({ link, to, limiter = link }) => {
  const text = taking('Date.now();');
  const cwd = folderWith({ 'real/plug.mjs': text, 'node_modules/real/plug.mjs': text });
  symlinkSync(to, join(cwd, link));
  const { code, stderr } = await simulateIn(cwd, limiter);
  expect([code, stderr]).toEqual([2, expect.stringContaining(' used Date.now, ')]);
});

it.each([
  { where: 'in a callback', helper: `export ${LATER}` },
  { where: 'as it is loaded', helper: 'const at = Date.now(); export const now = () => at;' },
  { where: 'bound to a promise', helper: 'export const now = () => Promise.resolve().then(Date.now);' },
  {
    where: "through this library's clocks",
    helper: `export { systemTime } from '${LIBRARY}/limiter/system-surroundings.js'; export const now = () => {};`,
    asks: `import { systemTime } from './helper.mjs'; ${taking('systemTime.dateMs();')}`,
  },
  {
    where: 'in a package',
    helper: "export { now } from 'late';",
    more: {
      'node_modules/late/package.json': '{ "type": "module", "exports": "./index.js" }',
      'node_modules/late/index.js': `export ${LATER}`,
    },
  },
])(
  'notices a clock that a file of the plug-in calls $where',
  async ({ helper, asks = ASKS_HELPER, more }) => {
    const cwd = folderWith({ 'mine.mjs': asks, 'helper.mjs': helper, ...more });
    const { code, stderr } = await simulateIn(cwd);
    expect([code, stderr]).toEqual([2, expect.stringContaining('plugin:mine.mjs used Date.now, ')]);
  },
);

it('judges a plug-in with random numbers of its own, with a note', async () => {
  const { code, stdout } = await simulate(taking('Math.random();'), ONE_WINDOW);
  const { verdict, notes } = JSON.parse(stdout);
  expect([code, verdict]).toEqual([0, 'pass']);
  expect(notes).toEqual([expect.stringContaining('plugin:mine.mjs used Math.random, which the seed')]);
});

it('says how many takes a plug-in never answered', async () => {
  const { stdout } = await simulate(taking("if (user.endsWith('1')) await new Promise(() => {});"));
  const { outcomes, notes } = JSON.parse(stdout);
  expect(outcomes.info).toBeGreaterThan(1);
  expect(notes).toContainEqual(
    expect.stringContaining(`the plug-in never answered ${outcomes.info} takes: each was open`),
  );
});

const ENDS = (code: number) => `terminated its process with code ${code}`;

it.each([
  { ends: 'process.exit(0)', says: ENDS(0) },
  { ends: 'process.reallyExit(0)', says: ENDS(0) },
  { ends: "process.on('exit', () => { process.exitCode = 0; }); process.exit()", says: ENDS(0) },
  { ends: "process.kill(process.pid, 'SIGKILL')", says: ENDS(137) },
  { ends: 'process.kill(process.pid)', says: ENDS(143) },
  { ends: 'process.abort()', says: ENDS(134) },
  { ends: "void Promise.reject(new Error('lost'))", says: 'threw an uncaught error: lost' },
])('keeps why a run ended by $ends has no verdict', async ({ ends, says }) => {
  const cwd = testFolder();
  write(cwd, 'mine.mjs', taking(`if (user.endsWith('1')) { ${ends}; }`));
  const args = ['bench', '--limiter', 'mine.mjs', '--simulate', ...LOAD];
  const { code, stdout, stderr } = await runCli(args, { cwd });
  expect([code, stdout], stderr).toEqual([64, '']);
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).toContain(`error: plugin:mine.mjs ${says}`);
  const [name = ''] = readdirSync(join(cwd, 'reports'));
  const folder = join(cwd, 'reports', name);
  expect(stderr).toMatch(new RegExp(`^the run has no report; .* in ${folder}$`, 'm'));
  const error = JSON.parse(readFileSync(join(folder, 'error.json'), 'utf8'));
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(says) });
  expect(error.command).toContain('bench --limiter mine.mjs');
  expect(existsSync(join(folder, 'report.json'))).toBe(false);
});

it.each([
  {
    title: 'whose name is a link',
    files: { 'real.mjs': taking("if (user.endsWith('1')) void Promise.reject(new Error('lost'));") },
    says: /mine\.mjs threw an uncaught error: lost \(line \d+\)$/m,
  },
  {
    title: 'that another file kills',
    files: {
      'real.mjs': ASKS_HELPER,
      'helper.mjs': 'export const now = () => Promise.resolve().then(() => process.kill(process.pid));',
    },
    says: /mine\.mjs terminated its process with code 143$/m,
  },
])('answers for the end of a plug-in $title', async ({ files, says }) => {
  const cwd = folderWith(files);
  symlinkSync('real.mjs', join(cwd, 'mine.mjs'));
  const args = ['bench', '--limiter', 'mine.mjs', '--simulate', ...LOAD];
  const { code, stderr } = await runCli(args, { cwd });
  expect([code, stderr]).toEqual([64, expect.stringMatching(says)]);
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
  const checked = await callCli(['check', 'reports/latest/history.ndjson', '--json'], { cwd });
  const judged = JSON.parse(checked.stdout);
  expect([checked.code, judged.verdict, judged.troubles]).toEqual([2, verdict, troubles]);
  const why = 'plugin:mine.mjs failed to start: no second start';
  expect([verdict, troubles]).toEqual([
    'unknown',
    [`heal restart-service: OpenclawError: ${why}`, `restart-service was healed late: ${why}`],
  ]);
  expect(faults.map(({ phase }: { phase: string }) => phase)).not.toContain('heal');
  expect(outcomes.failed).toBeGreaterThan(100);
  expect(outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info).toBe(sent);
});
