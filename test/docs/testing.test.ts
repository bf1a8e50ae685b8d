import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/cli.ts';
import { blocksOn, TESTING_PAGE } from '../support/doc-blocks.ts';
import { patient } from '../support/examples.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const { devDependencies, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const pinned = (...names: readonly string[]) => names.map((name) => `${name}@${devDependencies[name]}`);

const JEST = ['jest@30.5.2', '@types/jest@30.0.0'];

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-matchers-'));
const withVitest = join(folder, 'vitest');
const withJest = join(folder, 'jest');
let redis: TestServer;

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
  await promisify(execFile)('npm', [...args, ...quiet], { cwd });
}

/** A project with these packages. */
async function install(project: string, type: 'module' | 'commonjs', ...packages: readonly string[]) {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type, private: true }));
  await npm(['install', ...packages], project);
}

/** Without the packages on which it depends: the entries for tests need none of them. */
async function unpackAlone(tarball: string, into: string): Promise<void> {
  mkdirSync(into);
  await promisify(execFile)('tar', ['xzf', tarball, '-C', into, '--strip-components', '1']);
}

/** The tests of the page, by file; those that `require` are of Jest. */
const EXAMPLES = blocksOn(TESTING_PAGE, 'js').map(({ text }) => ({
  file: /^\/\/ (\S+\.test\.js)$/m.exec(text)?.[1] ?? '',
  text,
  isJest: /\brequire\(/.test(text),
}));
const [FAILING = ''] = blocksOn(TESTING_PAGE, 'text').map(({ text }) => text);
const exampleOf = (file: string) => EXAMPLES.find((example) => example.file === file)?.text ?? '';

interface Ran {
  readonly name: string;
  readonly status: string;
  readonly message: string;
}

/** Runs all tests of a project; both programs write the same report. */
async function run(project: string, program: string, args: readonly string[]): Promise<readonly Ran[]> {
  const report = join(project, 'report.json');
  rmSync(report, { force: true });
  const env = { CI: '', NO_COLOR: '1', FORCE_COLOR: '0' };
  const ended = await runProgram(join(project, 'node_modules/.bin', program), args, { cwd: project, env });
  expect(existsSync(report), ended.stdout + ended.stderr).toBe(true);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
  };
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ title, status, failureMessages }) => ({
      ...{ name: title, status },
      message: failureMessages.join('\n'),
    })),
  );
}

const runVitest = () => run(withVitest, 'vitest', ['run', '--reporter=json', '--outputFile=report.json']);
const runJest = () => run(withJest, 'jest', ['--json', '--outputFile=report.json']);

const statuses = (ran: readonly Ran[]) => Object.fromEntries(ran.map(({ name, status }) => [name, status]));

/** The type errors of tests in a project, by lines. */
async function typeErrors(
  project: string,
  files: Readonly<Record<string, string>>,
  options: readonly string[],
): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  const all = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023', ...options];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout, stderr } = await runProgram(tsc, [...all, ...Object.keys(files)], { cwd: project });
  return (stdout + stderr).split('\n').filter((line) => line !== '');
}

const TYPED = `import { recordTakes } from 'openclaw-rl/testing';
const { take, history } = recordTakes(async (_key: string) => true);
test('is typed', async () => {
  await take('ada');
  expect(history()).toKeepPolicy('1:1/s', { contested: 0 });
  expect(history()).not.toKeepPromise('fixed-window:1/1s');
  await expect(Promise.resolve(history())).resolves.toBeHonest();
});
`;

/** The same with an argument of the wrong type. */
const WRONG = TYPED.replace("'fixed-window:1/1s'", '5');

describe(`the tests of ${TESTING_PAGE} in projects of their own`, { timeout: 240_000 }, () => {
  beforeAll(async () => {
    await npm(['pack', '--ignore-scripts', '--pack-destination', folder], ROOT);
    const tarball = join(folder, `openclaw-rl-${version}.tgz`);
    const types = pinned('@types/node');
    const used = pinned('vitest', 'express', 'express-rate-limit', 'rate-limiter-flexible');
    [redis] = await Promise.all([
      startTestServer('redis-server'),
      install(withVitest, 'module', tarball, ...types, ...used),
      install(withJest, 'commonjs', ...types, ...JEST),
    ]);
    await unpackAlone(tarball, join(withJest, 'node_modules/openclaw-rl'));
    for (const { file, text, isJest } of EXAMPLES)
      writeFileSync(
        join(isJest ? withJest : withVitest, file),
        patient(text).replaceAll('6379', String(redis.port)),
      );
  }, 900_000);
  afterAll(async () => {
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);

  it('are all written to a file', () => {
    expect(EXAMPLES.map(({ file }) => file)).toEqual([
      ...['flexible.test.js', 'off-by-one.test.js', 'jest.test.js', 'http.test.js'],
    ]);
  });

  it('hold with Vitest, but the planted fault, whose proof is that of the page', async () => {
    const ran = await runVitest();
    expect(statuses(ran), ran.map(({ message }) => message).join('\n')).toEqual({
      'admits five of a hundred at once': 'passed',
      'admits five in each of ten minutes': 'passed',
      'admits three in a second': 'failed',
      'an Express app with express-rate-limit': 'passed',
      'a Fetch handler with a limiter in Redis': 'passed',
    });
    const message = ran.find(({ status }) => status === 'failed')?.message ?? '';
    expect(message).toContain(FAILING.trimEnd());
  });

  it('hold with Jest, which finds the planted fault with the same proof', async () => {
    const planted = exampleOf('off-by-one.test.js')
      .replace(/^import .*;\n/gm, '')
      .replace(
        'vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) })',
        'jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) })',
      )
      .replaceAll('vi.', 'jest.');
    const head =
      "const { recordTakes } = require('openclaw-rl/testing');\nrequire('openclaw-rl/testing/jest');\n";
    writeFileSync(join(withJest, 'off-by-one.test.js'), head + planted);
    const ran = await runJest();
    expect(statuses(ran)).toEqual({ 'admits three': 'passed', 'admits three in a second': 'failed' });
    const message = ran.find(({ status }) => status === 'failed')?.message ?? '';
    expect(message).toContain(FAILING.trimEnd());
  });

  it.each([
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ])('have types: module %s, resolution %s', async (module, moduleResolution) => {
    const options = ['--module', module, '--moduleResolution', moduleResolution];
    const jest = "import 'openclaw-rl/testing/jest';\n";
    const imported = `import { expect, test } from '@jest/globals';\n${jest}`;
    const vitest = "import 'openclaw-rl/testing/vitest';\nimport { expect, test } from 'vitest';\n";
    const ofJest = { 'global.ts': jest + TYPED, 'imported.ts': imported + TYPED, 'wrong.ts': jest + WRONG };
    const strict = [...options, '--skipLibCheck', 'false', '--types', 'node,jest'];
    expect(await typeErrors(withJest, ofJest, strict)).toEqual([
      expect.stringMatching(/^wrong\.ts\(7,.*'number'/),
    ]);
    const ofVitest = { 'typed.ts': vitest + TYPED, 'wrong.ts': vitest + WRONG };
    expect(await typeErrors(withVitest, ofVitest, [...options, '--skipLibCheck', '--types', 'node'])).toEqual(
      [expect.stringMatching(/^wrong\.ts\(8,.*'number'/)],
    );
  });
});
