import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/cli.ts';
import { ALONE_PAGES, blocksOn } from '../support/doc-blocks.ts';
import { compileExamples } from '../support/examples.ts';
import { newcomer, shBlocks } from '../support/newcomer.ts';
import { proved } from '../support/proved.ts';
import { inClone, ROOT } from '../support/readme.ts';
import { startTestServer } from '../support/server.ts';
import { expectLatestVerified } from '../support/verified-run.ts';

/** That is how this test is run. */
const RUNS_THIS = 'bin/setup && npm test';

const BENCH = 'bin/setup && bin/openclaw-rl bench';
/** With 1,000 requests at a time, a pause of a second makes some of them fail. */
const ALL_DECIDED = /all \d+ requests sent are accounted for: .* \+ 0 failed \+ 0 info/;

const CHAOS = 'npx openclaw-rl chaos partition --isolate eu-west';

const { folder, env, alreadyRun, runAll, newestReport } = await newcomer(ALONE_PAGES);

const withoutFigures = (text: string) => text.replace(/\d+(\.\d+)?/g, '0');

/** What must be true after a command of a page, besides its exit code. */
const AFTER: Readonly<Record<string, (stdout: string, stderr: string) => void | Promise<void>>> = {
  [BENCH]: async (stdout, stderr) => {
    const report = newestReport();
    expect(report.plan.load).toMatchObject({ connections: 1_000, durationMs: 20_000 });
    expect(report.plan.topology.regions).toHaveLength(3);
    expect(report.contested.busiest).toBeGreaterThanOrEqual(80);
    const { overAdmission, falseDenials, unaccounted } = report;
    expect([overAdmission.totalExcess, falseDenials.total, unaccounted]).toEqual([0, 0, 0]);
    expect(report.proofs).toMatchObject({ convicted: 0, open: 0 });
    expect(stdout).toMatch(/^verdict {2}pass\n/);
    expect(stdout).toMatch(ALL_DECIDED);
    expect(stdout).toMatch(/again {4}openclaw-rl bench .*--seed 1\n/);
    expect(stderr).toMatch(/^claim: total-excess <= 0: at most 0 tokens admitted beyond an ideal bucket/m);
    const [shown] = blocksOn('README.md', 'console');
    const [command, ...lines] = withoutFigures(shown?.text ?? '')
      .trimEnd()
      .split('\n');
    expect(command).toBe('$ npx openclaw-rl bench');
    expect(withoutFigures(stdout).split('\n').slice(0, lines.length)).toEqual(lines);
    await expectLatestVerified({ cwd: folder, env });
  },
  [CHAOS]: async () => {
    const report = newestReport();
    expect(report.phases.map(({ name }) => name)).toEqual(['before', 'during partition', 'after partition']);
    const during = report.cells.filter(({ phase }) => phase === 'during partition');
    const failedIn = (region: string) => during.find((cell) => cell.region === region)?.outcomes.failed ?? 0;
    expect(failedIn('eu-west')).toBeGreaterThan(failedIn('us-east')); // its side is down, the other recovers
    const takeover = report.events.find(({ node, args }) => node === 'ap-south-1' && args?.to === 'primary');
    const proofs = report.events.filter(({ event }) => event === 'proof').map(({ args }) => args?.bit);
    expect(proofs).toEqual([true]);
    const [injected, healed] = report.faults.map(({ atUs }) => atUs);
    expect(takeover?.atUs).toBeGreaterThan(injected ?? Number.POSITIVE_INFINITY);
    expect(takeover?.atUs).toBeLessThan(healed ?? 0);
    const shard = report.shards.find((each) => each.shard === 'eu-west-0');
    expect(shard?.failovers.map(({ node }) => node)).toEqual(['ap-south-1']);
    expect(report.overAdmission.largestExcess).toBeLessThanOrEqual(shard?.bound?.totalExcess ?? 0);
    expect(readdirSync(join(folder, 'reports/latest')).sort()).toEqual([
      'history.ndjson',
      'junit.xml',
      'logs',
      'plan.json',
      'report.html',
      'report.json',
      'report.md',
    ]);
    await expectLatestVerified({ cwd: folder, env });
  },
  'npx openclaw-rl check us-east.ndjson eu-west.ndjson ap-south.ndjson': (stdout) => {
    expect(stdout).toMatch(/^verdict {2}pass$/m);
    expect(stdout).toMatch(/^│ all 3 /m);
  },
  'npx openclaw-rl check history.ndjson': async (stdout) => {
    const all = (counts: string) => `all ${counts} + 0 denied + 0 failed + 1 info`;
    expect(stdout).toContain(all('2 requests sent are accounted for: 1 allowed'));
    const program = join(ROOT, 'bin/openclaw-rl');
    const more = await runProgram(program, ['check', 'with-operations.ndjson'], { cwd: folder });
    expect(more.stdout).toContain(all('3 requests sent are accounted for: 2 allowed'));
  },
  'npx openclaw-rl run scenarios/article-limiter.yaml': async (stdout) => {
    expect(stdout).toMatch(/^verdict {2}fail\n/);
    expect(stdout).toMatch(/ {2}FAIL \d+ of \d+ denials were false/);
    const what = / {2}why tokens come in whole-second steps: .*/;
    expect(stdout).toMatch(what);
    const history = readFileSync(join(folder, 'reports/latest/history.ndjson'), 'utf8');
    const nameless = history.replaceAll('article', 'nameless');
    expect(nameless).not.toBe(history);
    writeFileSync(join(folder, 'nameless.ndjson'), nameless);
    const again = await runProgram(join(ROOT, 'bin/openclaw-rl'), ['check', 'nameless.ndjson'], {
      cwd: folder,
    });
    expect(again.code).toBe(1);
    expect(what.exec(again.stdout)?.[0]).toBe(what.exec(stdout)?.[0]);
    await expectLatestVerified({ cwd: folder, env });
  },
};

describe('what pages show', { timeout: 400_000 }, () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(shBlocks(ALONE_PAGES, RUNS_THIS))('does what $page says: $title', async ({ commands }) => {
    const isCalm = (ran: { readonly stdout: string }) =>
      commands.every(({ text }) => text !== BENCH) || ALL_DECIDED.test(ran.stdout);
    const { stdout, stderr } = await proved(() => runAll(commands), isCalm);
    for (const { text } of commands) await AFTER[text]?.(stdout, stderr);
  });

  it('has every command to look at among those that have run', () => {
    const known = new Set(Object.keys(AFTER));
    for (const text of known) expect(alreadyRun).toContain(text);
  });

  it('is the output of commands that have run', () => {
    for (const { text } of blocksOn(ALONE_PAGES, 'console')) {
      const [, shown] = /^\$ (.*)$/m.exec(text) ?? [];
      if (shown !== undefined)
        expect(
          [...alreadyRun].some((command) => inClone(command).endsWith(inClone(shown))),
          shown,
        ).toBe(true);
    }
  });

  it('has an example of the library in the README that compiles and runs', async () => {
    const server = await startTestServer('redis-server');
    const examples = blocksOn('README.md', 'ts').map(({ text }) => text);
    expect(examples).toHaveLength(1);
    const { compiled, run } = await compileExamples(join(folder, 'consumer'), examples, server.port);
    expect([compiled.code, compiled.stdout]).toEqual([0, '']);
    expect(await run(0)).toEqual({
      code: 0,
      stderr: '',
      stdout: '{ allowed: true, remainingTokens: 97, retryAfterUs: 0 }\n',
    });
    await server.stop();
  });
});
