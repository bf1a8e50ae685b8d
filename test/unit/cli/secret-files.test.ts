import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCli, startCli, testFolder } from '../../support/cli.ts';

const CLOCK = ['serve', 'clock', '--host', '127.0.0.2', '--port', '0', '--parts', 'parts'];

/** A folder with this file `token`. */
function withToken(text: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, 'token'), text);
  return folder;
}

describe('a secret in a file', { timeout: 60_000 }, () => {
  it('is the token of a clock, without its line break, and a load has to send it', async () => {
    const cwd = withToken('hidden\n');
    const clock = startCli(CLOCK, { cwd, env: { OPENCLAW_RL_TOKEN_FILE: 'token' } });
    const url = await vi.waitUntil(() => /listening on (\S+)/.exec(clock.output.stdout)?.[1], {
      timeout: 30_000,
    });
    const statusWith = async (token: string) =>
      (await fetch(`${url}/parts/`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await statusWith('hidden'), await statusWith('token')]).toEqual([200, 401]);
  });

  it.each([
    {
      title: 'set twice',
      env: { REDIS_PASSWORD: 'a' },
      why: 'REDIS_PASSWORD and REDIS_PASSWORD_FILE are both set',
    },
    { title: 'missing', file: 'away', why: 'REDIS_PASSWORD_FILE: cannot read away: ENOENT' },
    { title: 'empty', text: '\n', why: 'REDIS_PASSWORD_FILE: expected one line in token; found none' },
    {
      title: 'of two lines',
      text: 'hunter2\nhunter2\n',
      why: 'REDIS_PASSWORD_FILE: expected one line in token; found several',
    },
  ])('$title is refused', async ({ text = 'hunter2', file = 'token', env = {}, why }) => {
    const cwd = withToken(text);
    chmodSync(join(cwd, 'token'), 0o400);
    const ran = await runCli(['--version'], { cwd, env: { REDIS_PASSWORD_FILE: file, ...env } });
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([64, '', expect.stringContaining(why)]);
    expect(ran.stderr).not.toContain('hunter2');
  });
});
