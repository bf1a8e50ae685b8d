import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { runProgram } from '../support/cli.ts';
import { ROOT } from '../support/readme.ts';

const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-linters-'));

const LINTERS = [
  { linter: 'publint', args: ['--strict'], complaint: /nowhere\.d\.ts/ },
  { linter: 'attw', args: ['--profile', 'esm-only'], complaint: /🐛 Used fallback condition/ },
];
const PACKAGES = ['program', 'limiter'] as const;

const lint = (linter: string, tarball: string, args: readonly string[]) =>
  runProgram(join(ROOT, 'node_modules/.bin', linter), [tarball, ...args], { cwd: folder });

/** The package with a declaration that is not there. */
function spoilt(tarball: string): string {
  const unpacked = join(folder, 'spoilt');
  mkdirSync(unpacked);
  execFileSync('tar', ['xzf', tarball, '-C', unpacked, '--strip-components', '1']);
  const file = join(unpacked, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  manifest.exports['./fetch'].types = './dist/http/nowhere.d.ts';
  writeFileSync(file, JSON.stringify(manifest));
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json'], {
    cwd: unpacked,
    encoding: 'utf8',
  });
  return join(unpacked, JSON.parse(packed)[0].filename);
}

describe('the linters of packages', { timeout: 300_000 }, () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(LINTERS.flatMap((each) => PACKAGES.map((name) => ({ ...each, name }))))(
    '$linter finds nothing wrong with the $name',
    async ({ linter, args, name }) => {
      const { code, stdout, stderr } = await lint(linter, inject('packed')[name], args);
      expect(code, stdout + stderr).toBe(0);
    },
  );

  it('find a declaration that is not there', async () => {
    const tarball = spoilt(inject('packed').limiter);
    for (const { linter, args, complaint } of LINTERS) {
      const { code, stdout } = await lint(linter, tarball, args);
      expect([code, stdout]).toEqual([1, expect.stringMatching(complaint)]);
    }
  });
});
