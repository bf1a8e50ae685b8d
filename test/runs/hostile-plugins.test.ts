import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { runCli, startCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';

const DECIDES = 'export const createLimiter = () => ({ take: () => ({ allowed: true }) });';

/** A folder of the test's own with a plug-in of this text, and a scenario for it. */
function folderWith(text: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'mine.mjs'), text);
  writeFileSync(join(folder, 'mine.yaml'), '# Who ends whom?\nlimiter: mine.mjs\nclaims: [windows <= 0]\n');
  return folder;
}

const SERVE = 'serve rating --redis redis://127.0.0.1:1 --port 0 --limiter ./mine.mjs'.split(' ');

function serve(createLimiter: string) {
  return runCli(SERVE, { cwd: folderWith(`export const createLimiter = ${createLimiter};`) });
}

describe('a plug-in that is loaded by the command line', { timeout: 60_000 }, () => {
  it.each([
    { command: 'bench --limiter ./mine.mjs' },
    { command: 'chaos kill --node us-east-0 --limiter ./mine.mjs' },
    { command: 'run mine.yaml' },
  ])('cannot end $command with a code of its own', async ({ command }) => {
    const folder = folderWith(`process.exit(0); ${DECIDES}`);
    const { code, stdout, stderr } = await callCli(command.split(' '), { cwd: folder });
    expect([code, stdout], stderr).toEqual([64, '']);
    expect(stderr).toMatch(/^error: plugin:mine\.mjs terminated its process with code 0$/m);
    expect(stderr).toContain(`the file is ${join(folder, 'mine.mjs')} [INVALID_OPTION]`);
    expect(readdirSync(folder).sort()).toEqual(['mine.mjs', 'mine.yaml']);
  });

  it.each([
    {
      title: 'is killed',
      text: "process.kill(process.pid, 'SIGKILL');",
      says: /mine\.mjs cannot be loaded: its process ended with signal 9$/m,
    },
    {
      title: 'leaves in its promise',
      text: `${DECIDES} export const promise = () => process.exit(3);`,
      says: /mine\.mjs terminated its process with code 3$/m,
    },
    {
      title: 'throws later',
      text: "setTimeout(() => {\n throw new Error('too late'); }, 0);\nawait new Promise(() => {});",
      says: /mine\.mjs threw an uncaught error: too late \(line 2\)$/m,
    },
    {
      title: 'does not compile',
      text: 'export const createLimiter = () => ({});\nconst it = ;',
      says: /mine\.mjs cannot be loaded: Unexpected token ';' \(\/.*\/mine\.mjs:2\)$/m,
    },
    {
      title: 'imports what is not exported',
      text: "\nimport { nothing } from 'node:fs';",
      says: /mine\.mjs cannot be loaded: .*'nothing' \(\/.*\/mine\.mjs:2\)$/m,
    },
  ])('is reported when it $title', async ({ text, says }) => {
    const args = ['bench', '--limiter', './mine.mjs'];
    const { code, stdout, stderr } = await callCli(args, { cwd: folderWith(text) });
    expect([code, stdout], stderr).toEqual([64, '']);
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('bug of openclaw-rl');
  });

  it('is not waited for by what it started, which ends with it', async () => {
    const folder = folderWith(
      `import { spawn } from 'node:child_process';\nspawn('sleep', ['7777.0042'], { stdio: 'inherit', env: { MARK: import.meta.url } }).unref();\n${DECIDES}\nexport const promise = 'nonsense';`,
    );
    const { code, stderr } = await callCli(['bench', '--limiter', './mine.mjs'], { cwd: folder });
    expect([code, stderr]).toEqual([64, expect.stringMatching(/exports an invalid `promise`/)]);
    const isLeft = () => processesMentioning('7777.0042').some(({ command }) => command.startsWith('sleep'));
    await vi.waitUntil(() => !isLeft(), { timeout: 5_000 });
  });

  it('ends where the program that asked is killed', async () => {
    const folder = folderWith('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);');
    const { child } = startCli(['bench', '--limiter', './mine.mjs'], { cwd: folder });
    const isAsked = () => processesMentioning(folder).some(({ command }) => command.includes('read-plugin'));
    await vi.waitUntil(isAsked, { timeout: 30_000, interval: 20 });
    child.kill('SIGKILL');
    await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 15_000 });
  });

  it.each([
    {
      file: 'mine.ts',
      says: /plugin:mine\.ts cannot be loaded: .*"\.ts".*: compile it to JavaScript first$/m,
    },
    { file: 'mine', says: /plugin:mine is a folder: name the file in it that exports createLimiter$/m },
  ])('is reported when it is $file', async ({ file, says }) => {
    const folder = testFolder();
    if (file === 'mine') mkdirSync(join(folder, file));
    else writeFileSync(join(folder, file), 'export const createLimiter: number = 5;');
    const { code, stderr } = await callCli(['bench', '--limiter', file], { cwd: folder });
    expect(code, stderr).toBe(64);
    expect(stderr).toMatch(says);
  });
});

describe('a plug-in in a Rating service', { timeout: 60_000 }, () => {
  it.each([
    {
      title: 'leaves',
      makes: '() => process.exit(0)',
      says: /mine\.mjs terminated its process with code 0$/m,
    },
    {
      title: 'throws, and leaves a timer',
      makes: "() => { setInterval(() => {}, 1_000); throw new Error('not today'); }",
      says: /mine\.mjs failed to start: not today$/m,
    },
    {
      title: 'throws a value without text, in the middle of a line',
      makes: "() => { process.stdout.write('loading '); throw Object.create(null); }",
      says: /mine\.mjs failed to start: \(error without a message\)$/m,
    },
    {
      title: 'leaves later',
      makes: '() => { setTimeout(() => process.exit(0), 0); return { take() {} }; }',
      says: /mine\.mjs terminated its process with code 0$/m,
    },
    {
      title: 'throws later',
      makes: "() => { setTimeout(() => { throw new Error('too late'); }, 0); return { take() {} }; }",
      says: /mine\.mjs threw an uncaught error: too late \(line 1\)$/m,
    },
  ])('ends it with exit code 64 when it $title', async ({ makes, says }) => {
    const { code, stderr } = await serve(makes);
    expect(code, stderr).toBe(64);
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('bug of openclaw-rl');
  });

  it('that is not there ends it with exit code 64', async () => {
    const { code, stdout, stderr } = await runCli(SERVE, { cwd: testFolder() });
    expect([code, stdout], stderr).toEqual([64, '']);
    expect(stderr).toMatch(/plugin:mine\.mjs cannot be loaded/);
  });
});

it('does not wait for ever for a plug-in', { timeout: 120_000 }, async () => {
  const bench = (text: string) => runCli(['bench', '--limiter', './mine.mjs'], { cwd: folderWith(text) });
  const ends = await Promise.all([
    bench('await new Promise(() => {});'),
    bench('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'),
    serve('() => new Promise(() => {})'),
  ]);
  expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(Array(3).fill([64, '']));
  expect(ends.map(({ stderr }) => /^error: (.*)$/m.exec(stderr)?.[1])).toEqual([
    'plugin:mine.mjs is not ready after 10 s: its import or createLimiter is still pending',
    'plugin:mine.mjs cannot be loaded: waited 20 s for its process to import it and give its promise',
    'plugin:mine.mjs is not ready after 10 s: its import or createLimiter is still pending',
  ]);
  expect(ends[1]?.stderr).toMatch(/^ {2}run it again when this machine is less busy; if .*mine\.mjs blocks/m);
});

it('is interrupted while a plug-in is loaded, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const folder = folderWith('await new Promise(() => {});');
  const { child, ended, output } = startCli(['bench', '--limiter', './mine.mjs'], { cwd: folder });
  const isAsked = () => processesMentioning(folder).some(({ command }) => command.includes('read-plugin'));
  await vi.waitUntil(isAsked, { timeout: 30_000, interval: 20 });
  child.kill('SIGINT');
  expect(await ended, output.stderr).toBe(130);
  expect(output.stderr).toMatch(/^error: interrupted while a plug-in was loaded$/m);
  await vi.waitUntil(() => processesMentioning(folder).length === 0, { timeout: 5_000 });
});
