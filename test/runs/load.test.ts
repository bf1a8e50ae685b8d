import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { later, type PartResult, prepareParts, REGIONS, words } from '../support/load-parts.ts';

/** Sends all parts at once, and each of their files to the clock if they have no name; gives the results. */
async function sendAll(folder: string, url: string, strategy: string, files?: readonly string[]) {
  const startAt = later();
  const sent = REGIONS.map(async (part, at): Promise<PartResult> => {
    const to = files === undefined ? ['--send'] : ['--out', files[at] ?? ''];
    const how = ['--strategy', strategy, '--json', ...to];
    const { code, stdout, stderr } = await runCli([...words(part, url, startAt), ...how], { cwd: folder });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  });
  return Promise.all(sent);
}

describe('a load in three processes', { timeout: 120_000 }, () => {
  it('is judged as one run: passes, fails, or names the part that is missing', async () => {
    const { folder, redis, url } = await prepareParts();
    const claims = ['total-excess <= 0', 'false-denials <= 0', 'headroom <= 50%'] // a busy machine answers late
      .flatMap((claim) => ['--claim', claim]);
    const check = (...args: string[]) => runCli(['check', ...args, ...claims], { cwd: folder });
    const outs = REGIONS.map((part) => `${part}.ndjson.gz`);
    const [central, article] = await Promise.all([
      sendAll(folder, url, 'central'),
      sendAll(folder, url, 'article', outs),
    ]);
    for (const [at, { run, part, of, books, accepted, clock }] of central.entries()) {
      expect([run, part, of]).toEqual([central[0]?.run, REGIONS[at], REGIONS]);
      const { sent = 0, allowed = 0, denied = 0, failed = 0, info = 0, dropped = 0 } = books;
      expect(sent).toBe(allowed + denied + failed + info);
      expect([1_600 / 3 - 1 < sent + dropped, sent + dropped < 1_600 / 3 + 1]).toEqual([true, true]);
      expect(accepted).toBe(join(run, `${part}.ndjson.gz`));
      expect(clock.readings).toBeGreaterThan(20);
    }
    const files = central.map(({ accepted = '' }) => join('parts', accepted));
    const whole = await check(...files, '--json');
    const report = JSON.parse(whole.stdout);
    expect([whole.code, report.verdict], whole.stdout).toEqual([0, 'pass']);
    const sent = central.reduce((sum, { books }) => sum + (books.sent ?? 0), 0);
    expect(report.sent).toBe(sent);
    const without = await check(...files.slice(1));
    expect([without.code, without.stdout.split('\n')[0]]).toEqual([2, 'verdict  unknown']);
    expect(without.stdout).toContain('us-east');
    const given = await check(...outs);
    expect(article.map(({ file }) => file)).toEqual(outs.map((file) => join(folder, file)));
    expect([given.code, given.stdout.split('\n')[0]], given.stdout).toEqual([1, 'verdict  fail']);
    // Nothing but expiry removes the keys, since another part may still use them.
    await expect.poll(async () => (await redis.state()).keys, { timeout: 20_000 }).toBe('0');
  });
});
