import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { BIN, runProgram, testFolder } from '../support/cli.ts';
import { ROOT } from '../support/readme.ts';

it.each([
  { title: 'a module that is not there', env: { NODE_OPTIONS: '--require=/nowhere.cjs' }, of: 1 },
  { title: 'an option that Node does not know', env: { NODE_OPTIONS: '--nowhere' }, of: 9 },
  { title: 'an option that is for no file', env: { NODE_OPTIONS: '--input-type=module' }, of: 1 },
  { title: 'a module that ends it with success', env: { NODE_OPTIONS: '--require=./exit.cjs' }, of: 0 },
])('is an environment error where NODE_OPTIONS has $title', async ({ env, of }) => {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'exit.cjs'), 'process.exit(0);');
  const node = await runProgram(process.execPath, [BIN, '--version'], { cwd, env });
  expect(node.code).toBe(of);
  const { code, stderr, stdout } = await runProgram(BIN, ['--version'], { cwd, env });
  expect({ code, stdout, stderr }).toMatchObject({
    ...{ code: 69, stdout: '' },
    stderr: expect.stringContaining('unset NODE_OPTIONS'),
  });
  const [ofNode = ''] = node.stderr.split('\n');
  expect(stderr).toContain(ofNode.replace(process.execPath, 'node'));
});

it('starts with NODE_OPTIONS that do no harm, its arguments unchanged', async () => {
  const args = ['check', '', '$HOME *', '--does-node-start'];
  const run = () => runProgram(BIN, args, { env: { NODE_OPTIONS: '--max-old-space-size=300' } });
  expect(await run()).toEqual(await runProgram(process.execPath, [BIN, ...args]));
});

it('is an environment error without Node on PATH', async () => {
  const { code, stderr } = await runProgram(BIN, ['--version'], { env: { PATH: testFolder() } });
  expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining('node is not on PATH') });
});

it.each([
  { title: 'it is not built', files: [], why: 'openclaw-rl is not built yet' },
  {
    title: 'a package is missing',
    files: ['dist/bundle/process/main.js'],
    why: "Cannot find package 'nowhere'",
  },
])('is an environment error where $title', async ({ files, why }) => {
  const folder = testFolder();
  cpSync(BIN, join(folder, 'bin/openclaw-rl'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "import 'nowhere';");
  }
  const { code, stderr } = await runProgram(join(folder, 'bin/openclaw-rl'), ['bench']);
  expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining(why) });
  expect(stderr).toContain('\n  run: bin/setup');
});

it('is started in a clone by npx, and its hints say so', async () => {
  const env = { PATH: process.env.PATH ?? '', OPENCLAW_RL_STATE: testFolder(), npm_config_offline: 'true' };
  const npx = (...args: string[]) => runProgram('npx', ['openclaw-rl', ...args], { cwd: ROOT, env });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(await npx('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  expect(await npx('status')).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('\n  start it with: npx openclaw-rl up'),
  });
});

it.each([
  {
    title: 'a service',
    args: ['serve', 'rating', '--redis', 'redis://127.0.0.1:1', '--limiter', './mine.mjs'],
  },
  {
    title: 'a service, in one word',
    args: ['serve', 'rating', '--redis', 'redis://127.0.0.1:1', '--limiter=mine.mjs'],
  },
  { title: 'the process that asks it', args: ['read-plugin', './mine.mjs', '10:1/s'] },
])('shares the library with a plug-in in $title', async ({ args }) => {
  const cwd = testFolder();
  const notes = `import { writeFileSync } from 'node:fs';
    const fail = (text) => { throw new Error(text); };
    const note = () => fail(writeFileSync('stack.txt', new Error().stack) ?? 'noted');`;
  writeFileSync(join(cwd, 'mine.mjs'), `${notes} export { note as createLimiter, note as promise };`);
  const { stderr } = await runProgram(BIN, args, { cwd });
  expect(stderr).toContain('noted');
  expect(readFileSync(join(cwd, 'stack.txt'), 'utf8')).toMatch(
    /at .*\/dist\/limiter\/plugin\/(open|plugin)\.js:/,
  );
});
