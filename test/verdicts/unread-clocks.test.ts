import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/verdicts');

async function check(name: string, options: readonly string[] = []) {
  const { code, stdout, stderr } = await callCli(['check', join(FIXTURES, name), ...options]);
  return { code, shown: stdout + stderr };
}

describe('a history of a correct limiter whose clock was not read', () => {
  it.each([
    { title: 'a bucket that counts in milliseconds, audited live', name: 'audit-of-bucket-in-ms.ndjson.gz' },
    { title: 'a bucket that counts in milliseconds', name: 'bucket-in-ms.ndjson.gz' },
  ])('is no conviction: $title', async ({ name }) => {
    const { code, shown } = await check(name, ['--promise', 'token-bucket']);
    expect(code, shown).toBe(0);
    expect(shown).toContain(
      "the limiter's clock was not read: 1 ms of resolution and 0.1% of drift are granted; an excess below 0.005 tokens in one window cannot be seen",
    );
  });

  it.each([
    {
      title: 'windows of the epoch, audited live',
      name: 'audit-of-epoch-windows.ndjson.gz',
      promise: 'fixed-window:10/2s:epoch',
    },
    {
      title: 'a window that a clock within its drift opened early',
      name: 'first-window-slow-clock-apart.ndjson',
      promise: 'fixed-window:2/60s:first',
    },
    {
      title: 'a window that a slow clock opened early',
      name: 'first-window-slow-clock-read.ndjson',
      promise: 'fixed-window:2/60s:first',
    },
    {
      title: 'a window that an operation of cost 0 opened',
      name: 'first-window-opened-by-cost-0.ndjson',
      promise: 'fixed-window:1/60s:first',
    },
  ])('is no conviction: $title', async ({ name, promise }) => {
    const { code, shown } = await check(name, ['--promise', promise, '--contested', '0']);
    expect(code, shown).not.toBe(1);
    expect(shown).toContain(`no bucket broke its promise of ${promise}`);
  });

  it('is one where an operation may have been in a window by half a microsecond only, and proves it', async () => {
    const options = ['--promise', 'fixed-window:1/1s:epoch', '--contested', '0'];
    const { code, shown } = await check('epoch-window-half-microsecond.ndjson', options);
    expect(code, shown).toBe(1);
    expect(shown).toMatch(
      / admitted 2 tokens between .* touches 1 window of 1 s, of 1, since it is within one, so at most 1/,
    );
  });

  it('is one where the user says that it counts finer', async () => {
    const { code, shown } = await check('bucket-in-ms.ndjson.gz', ['--clock-slack', '0']);
    expect(code, shown).toBe(1);
  });
});
