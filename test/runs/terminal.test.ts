import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BIN, testFolder } from '../support/cli.ts';
import { hasProgram } from '../support/programs.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer } from '../support/server.ts';
import { startTerminal, type TerminalUnderTest } from '../support/tmux.ts';

const SMALL = { columns: 80, rows: 24 };
const LARGE = { columns: 200, rows: 50 };

/** Allows everything: what is looked at is the view. A process of its own, since these tests are many at a time. */
const TARGET = `require('http').createServer((_, reply) => reply.end()).listen(0, '127.0.0.1', function () {
  console.log('http://127.0.0.1:' + this.address().port + '/');
})`;
let target: ChildProcess;
let url = '';

beforeAll(async () => {
  target = spawn(process.execPath, ['-e', TARGET], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(target.stdout as Readable, 'data')) as [Buffer];
  url = line.toString().trim();
});
afterAll(() => void target.kill('SIGKILL'));

const benchFor = (seconds: number) =>
  `${BIN} bench --target ${url} --subject-header x-user --policy 20:5/s --connections 2 --users 4 --duration ${seconds}; echo "code $?"`;

const isLoading = (screen: string) => /^load .* of \d+\.0 s$/m.test(screen) && /^at limit/m.test(screen);

async function isColoured(terminal: TerminalUnderTest): Promise<boolean> {
  const seen = await terminal.coloured();
  return seen !== stripVTControlCharacters(seen);
}

/** After a view: the shell's own screen with its cursor. */
async function expectRestored(terminal: TerminalUnderTest): Promise<void> {
  await terminal.until('the prompt', (screen) => /code \d+\n\$$/.test(screen));
  expect(await terminal.state()).toEqual({ isView: false, hasCursor: true });
}

describe.skipIf(!hasProgram('tmux', '-V'))(
  'the view of a run',
  { timeout: 150_000, concurrent: true },
  () => {
    it('shows regions, rates and the fault in force, in any size, and gives way to the report', async (context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(
        `${BIN} chaos partition --isolate eu-west --at 2s --for 4s --duration 8s --replicas 0 --connections 30 --users 6 --skew 0 --claim 'info <= 100%'; echo "code $?"`,
      );
      const during = await terminal.until('the fault', (screen) => /IN FORCE/.test(screen));
      expect(during).toMatch(/^openclaw-rl {2}chaos-partition, central 20:5\/s, seed 1 +\d\d:\d\d\n/);
      expect(during).toMatch(/^load {7}█+░+ {2}\d\.\d of 8\.0 s$/m);
      expect(during).toMatch(/^fault {6}IN FORCE: partition isolate eu-west, for \d\.\d s$/m);
      expect(during).toMatch(/^a second +allowed +denied +failed +info/m);
      for (const region of ['us-east', 'eu-west', 'ap-south', 'all'])
        expect(during).toMatch(new RegExp(`^${region} +\\d+ +\\d+ +\\d+ +\\d+`, 'm'));
      expect(during).toMatch(/^at limit {3}\d of the 6 busiest buckets admitted their limit and denied$/m);
      expect(during).toMatch(/^excess {5}\S/m);
      expect(during).not.toMatch(/claim: /); // that is on the other screen
      await terminal.resize({ columns: 44, rows: 9 });
      const narrow = await terminal.until('a small view', (screen) => /^openclaw-rl/.test(screen));
      expect(narrow).toMatch(/^fault /m);
      await terminal.resize(LARGE);
      const wide = await terminal.until(
        'a large view',
        (screen) => /^openclaw-rl.{150,}\n/.test(screen) && / {4}[▁▂▃▄▅▆▇█]{2,}$/m.test(screen),
      );
      expect(wide.split('\n')[0]).toMatch(/^openclaw-rl.{150,}\d\d:\d\d$/);
      expect(wide.match(/^openclaw-rl/gm)).toHaveLength(1); // nothing of the smaller one is left
      await expectRestored(terminal);
      const all = await terminal.everything();
      expect(all).toMatch(/^verdict {2}(pass|unknown)/m); // a busy machine drains fewer buckets
      expect(all.indexOf('claim: info')).toBeLessThan(all.indexOf('verdict'));
      expect(all).not.toMatch(/IN FORCE|░/); // the view leaves nothing behind
    });

    it('fits into a terminal from its first frame, large or small', async (context) => {
      const large = await startTerminal(context, LARGE);
      const small = await startTerminal(context, { columns: 30, rows: 6 });
      for (const terminal of [large, small]) await terminal.type(benchFor(6));
      const [seen, cut] = await Promise.all([
        large.until('the load', isLoading),
        small.until('the load', (screen) => /^load/m.test(screen)),
      ]);
      expect(seen.split('\n')[0]).toMatch(/^openclaw-rl {2}audit, external 20:5\/s, seed 1 {100,}\d\d:\d\d$/);
      expect(cut).toMatch(/^openclaw-rl/); // nothing has scrolled
      await Promise.all([large, small].map(expectRestored));
    });

    it('ends at Ctrl-C with the terminal as it was, judging what there is', async (context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(benchFor(60));
      await terminal.until('the load', isLoading);
      expect(await terminal.state()).toEqual({ isView: true, hasCursor: false });
      await terminal.key('C-c');
      await expectRestored(terminal);
      expect(await terminal.screen()).toMatch(/code 130/);
      expect(await terminal.everything()).toMatch(/^verdict {2}(unknown|fail)/m);
    });

    it('steps aside for Ctrl-Z and comes back', async (context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(benchFor(60).replace(/;.*/, ''));
      await terminal.until('the load', isLoading);
      await terminal.key('C-z');
      await terminal.until('the shell', (screen) => /Stopped/.test(screen));
      expect(await terminal.state()).toEqual({ isView: false, hasCursor: true });
      await terminal.type('fg; echo "code $?"');
      await terminal.until('the load again', isLoading);
      expect(await terminal.state()).toEqual({ isView: true, hasCursor: false });
      await terminal.key('C-c');
      await expectRestored(terminal);
    });

    it('ends at SIGTERM with the terminal as it was', async (context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(benchFor(60).replace('; echo', ' & sleep 0; fg; echo'));
      await terminal.until('the load', isLoading);
      await terminal.key('C-z');
      await terminal.until('the shell', (screen) => /Stopped/.test(screen));
      await terminal.type('clear; kill %1; fg; echo "code $?"');
      await expectRestored(terminal);
      expect(await terminal.screen()).toMatch(/code 143/);
    });

    it('ends with a crash with the terminal as it was, and what it died of', async (context) => {
      const cwd = testFolder(context.onTestFinished);
      writeFileSync(
        join(cwd, 'crash.mjs'),
        `import { processEnvironment } from '${ROOT}/dist/cli/process/environment.js';
       import { openLiveScreen } from '${ROOT}/dist/cli/screen/live-screen.js';
       const environment = processEnvironment();
       openLiveScreen(environment, environment.terminals.log, (size, notes) => ['a view', ...notes]);
       environment.log('logged meanwhile\\n');
       process.stdin.once('data', () => { throw new Error('boom'); });`,
      );
      const terminal = await startTerminal(context, SMALL, { cwd });
      await terminal.type('node crash.mjs; echo "code $?"');
      await terminal.until('the view', (screen) => /^a view\nlogged meanwhile/.test(screen));
      await terminal.key('Enter');
      await expectRestored(terminal);
      expect(await terminal.everything()).toMatch(/Error: boom/);
      expect(await terminal.everything()).toMatch(/^logged meanwhile$/m);
    });

    it.for([
      { title: 'has colours', env: {}, colour: true },
      { title: 'has none with NO_COLOR', env: { NO_COLOR: '1' }, colour: false },
    ])('$title', async ({ env, colour }, context) => {
      const terminal = await startTerminal(context, SMALL, { env });
      await terminal.type(benchFor(6));
      await terminal.until('the load', isLoading);
      expect(await isColoured(terminal)).toBe(colour);
      await expectRestored(terminal);
      expect(await isColoured(terminal)).toBe(colour);
    });

    it.for([
      { title: 'TERM=dumb', before: 'TERM=dumb ', after: '' },
      { title: 'a pipe', before: '', after: ' 2>&1 | cat' },
    ])('is lines with $title', async ({ before, after }, context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(`${before}${benchFor(6).replace(';', `${after};`)}`);
      await terminal.until('the load', (screen) => /s {2}load +\d\/6 s {2}/.test(screen));
      expect(await terminal.state()).toEqual({ isView: false, hasCursor: true });
      await expectRestored(terminal);
      expect(await terminal.everything()).toMatch(/^rates are allowed\/denied\/failed\/info a second$/m);
      expect(await terminal.everything()).not.toMatch(/█/);
    });

    it('leaves standard output to its one JSON document', async (context) => {
      const terminal = await startTerminal(context, SMALL);
      await terminal.type(
        `${benchFor(6).replace(';', ' --json | node -p "JSON.parse(require(\'fs\').readFileSync(0)).verdict";')}`,
      );
      await terminal.until('the load', isLoading);
      await expectRestored(terminal);
      expect(await terminal.everything()).toMatch(/^(unknown|fail)\ncode 0$/m);
    });
  },
);

describe.skipIf(!hasProgram('tmux', '-V'))('the view of inspect --watch', { timeout: 120_000 }, () => {
  it('is redrawn in place, cut to the height, and leaves its last reading', async (context) => {
    const server = await startTestServer('redis-server');
    onTestFinished(() => server.stop());
    const key = 'rate:openclaw:ada:ratings';
    await server.client.set(key, '\u001b[31mred');
    const terminal = await startTerminal(context, SMALL);
    await terminal.type(
      `${BIN} inspect ada --cluster redis://127.0.0.1:${server.port} --watch; echo "code $?"`,
    );
    const first = await terminal.until('a reading', (screen) => /^full /m.test(screen));
    expect(await terminal.state()).toEqual({ isView: true, hasCursor: false });
    const [time = ''] = first.split('\n');
    const later = await terminal.until('the next', (screen) => !screen.startsWith(time));
    expect(later.match(/^user /gm)).toHaveLength(1);
    await terminal.resize({ columns: 60, rows: 8 });
    await terminal.until('a cut', (screen) => /^\.\.\. \d+ more lines$/m.test(screen));
    await terminal.key('C-c');
    await expectRestored(terminal);
    expect(await terminal.everything()).toMatch(/^user {5}ada, endpoint ratings/m);
  });
});
