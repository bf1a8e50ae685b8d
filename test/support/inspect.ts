import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Inspected } from '../../src/cli/output/inspect-table.ts';
import { callCli } from './call-cli.ts';

type RunOptions = Parameters<typeof callCli>[1];

export async function inspectJson(args: readonly string[], options?: RunOptions): Promise<Inspected> {
  const { code, stdout, stderr } = await callCli(['inspect', ...args, '--json'], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder for a whole suite. */
export function testFolderOfSuite(): string {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
  folders.push(folder);
  return folder;
}
