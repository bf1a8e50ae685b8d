import { closeSync, copyFileSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../src/history/records/codec.ts';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { headerOf } from '../support/history.ts';

/** Judging so many takes longer than ending may. */
const OPERATIONS = 1_500_000;

const lineOf = (index: number) =>
  `{"type":"op","index":${index},"bucket":"b","cost":1,"invokedUs":${index},"completedUs":${2 * index},"outcome":"allowed"}\n`;

/** A bucket that admits without end: every operation is one too many, and stays open long beside the others. */
function writeHistory(folder: string, operations = OPERATIONS): string {
  const path = join(folder, 'history.ndjson');
  const file = openSync(path, 'w');
  let lines = [encodeRecord(headerOf('20:5/s'))];
  for (let index = 0; index < operations; index++) {
    lines.push(lineOf(index));
    if (lines.length < 50_000) continue;
    writeSync(file, lines.join(''));
    lines = [];
  }
  writeSync(file, `${lines.join('')}${encodeRecord({ type: 'end', atUs: 0, sent: operations })}`);
  closeSync(file);
  return path;
}

describe('a command that judges', { timeout: 180_000 }, () => {
  it.each([
    { signal: 'SIGINT', code: 130 },
    { signal: 'SIGTERM', code: 143 },
  ] as const)('ends at $signal in the middle of the checker, with $code', async ({ signal, code }) => {
    const folder = testFolder();
    const { child, output, ended } = startCli(['check', writeHistory(folder)], { cwd: folder });
    await untilSaid({ output }, /judging 1500000 operations/, { timeout: 150_000, interval: 5 });
    const startedMs = performance.now();
    child.kill(signal);
    expect(await ended, output.stderr).toBe(code);
    expect(performance.now() - startedMs).toBeLessThan(5_000); // a second where the machine is its own
    expect(output.stdout).toBe('');
    expect(output.stderr).toMatch(/interrupted\n$/);
  });

  it('ends while it waits for more of standard input', async () => {
    const { child, output, ended } = startCli(['check', '-'], { cwd: testFolder() });
    child.stdin?.on('error', () => {}); // what is still on its way when it ends
    child.stdin?.write(encodeRecord(headerOf('20:5/s')));
    let index = 0;
    const feed = setInterval(() => {
      child.stdin?.write(Array.from({ length: 20_000 }, () => lineOf(index++)).join(''));
    }, 100);
    await untilSaid({ output }, /reading -/, { timeout: 150_000 }).finally(() => clearInterval(feed));
    child.kill('SIGTERM');
    expect(await ended, output.stderr).toBe(143);
    expect(output.stdout).toBe('');
  });

  it('leaves no part of a page behind', async () => {
    const folder = testFolder();
    writeHistory(folder);
    copyFileSync(
      join(import.meta.dirname, '../fixtures/runs/article/report.json'),
      join(folder, 'report.json'),
    );
    const before = readdirSync(folder);
    const { child, output, ended } = startCli(['report', folder, '--html'], { cwd: folder });
    await untilSaid({ output }, /judging 1500000 operations/, { timeout: 150_000, interval: 5 });
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(130);
    expect(readdirSync(folder)).toEqual(before);
  });

  it.each([
    { title: 'a short history', operations: 100, from: 'file' },
    { title: 'a long history', operations: 60_000, from: 'file' },
    { title: 'a short history on standard input', operations: 100, from: 'input' },
    { title: 'a long history on standard input', operations: 60_000, from: 'input' },
  ])('gives 69 where what it prints of $title is not read', async ({ operations, from }) => {
    const folder = testFolder();
    const path = writeHistory(folder, operations);
    const { child, output, ended } = startCli(['check', from === 'file' ? path : '-'], { cwd: folder });
    child.stdout?.destroy();
    child.stdin?.on('error', () => {});
    child.stdin?.end(from === 'file' ? '' : readFileSync(path));
    expect(await ended, output.stderr).toBe(69);
    expect(output.stderr).not.toContain('interrupted');
  });
});
