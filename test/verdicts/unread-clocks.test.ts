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
    const { code, shown } = await check(name);
    expect(code, shown).toBe(0);
    expect(shown).toContain(
      "the limiter's clock was not read: 1 ms of resolution and 0.1% of drift are granted; an excess below 0.005 tokens in one window cannot be seen",
    );
  });

  it('is one where the user says that it counts finer', async () => {
    const { code, shown } = await check('bucket-in-ms.ndjson.gz', ['--clock-slack', '0']);
    expect(code, shown).toBe(1);
  });
});
