import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readTextFile } from '../../../src/cli/files/read-file.ts';

function folderWith(make: (path: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'f');
  make(path);
  return path;
}

it('reads a file', async () => {
  expect(await readTextFile(folderWith((path) => writeFileSync(path, 'ü')))).toBe('ü');
});

it.each([
  {
    what: 'a pipe without a writer',
    path: () => folderWith((path) => execFileSync('mkfifo', [path])),
    says: 'it is not a regular file',
  },
  { what: 'a device that never ends', path: () => '/dev/zero', says: 'it is not a regular file' },
  { what: 'a folder', path: () => tmpdir(), says: 'it is a folder' },
  { what: 'nothing', path: () => '/nonexistent/f', says: 'there is no such file' },
])('does not wait for $what', async ({ path, says }) => {
  await expect(readTextFile(path())).rejects.toThrow(says);
});

it('refuses a file that is too large', async () => {
  const large = folderWith((path) => {
    writeFileSync(path, '');
    truncateSync(path, 65 * 2 ** 20);
  });
  await expect(readTextFile(large)).rejects.toThrow('it is larger than 64 MiB');
});
