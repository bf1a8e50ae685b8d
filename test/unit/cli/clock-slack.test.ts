import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { runCli, testFolder } from '../../support/cli.ts';
import { HTTP_LIMITERS, startHttpLimiter } from '../../support/http-limiters.ts';

const COMMANDS = [
  { command: 'bench', args: ['bench'] },
  { command: 'chaos', args: ['chaos', 'partition', '--isolate', 'eu-west'] },
  { command: 'run', args: ['run', 'baseline'] },
  { command: 'check', args: ['check', 'history.ndjson'] },
];

const REFUSED = [
  { value: '5', says: 'Expected a time like 50ms, or 0' },
  { value: '-1ms', says: 'Expected a time like 50ms, or 0' },
  { value: '1min', says: 'Expected a time like 50ms, or 0' },
  { value: '', says: 'Expected a time like 50ms, or 0' },
  { value: '1000001s', says: 'of 1000000s at most' },
];

describe('--clock-slack', { timeout: 60_000 }, () => {
  it.each(COMMANDS.flatMap((row) => REFUSED.map((refused) => ({ ...row, ...refused }))))(
    "of $command refuses '$value'",
    async ({ args, value, says }) => {
      const { code, stderr } = await callCli([...args, `--clock-slack=${value}`]);
      expect(code, stderr).toBe(64);
      expect(stderr).toContain(says);
    },
  );

  it.each([
    { typed: ['--clock-slack', '0'], us: 0, says: 'was not read: 0.1% of drift is granted' },
    { typed: ['--clock-slack', '2.5ms'], us: 2_500, says: '2500 us of resolution and 0.1% of drift' },
    { typed: ['--clock-slack', '1000000s'], us: 1e12, says: "1000000 s are granted for the limiter's clock" },
    { typed: [], us: undefined, says: '1 ms of resolution and 0.1% of drift' },
  ])('$typed.1 of an audit is in its history and its verdict', async ({ typed, us, says }) => {
    const cwd = testFolder();
    const limiter = await startHttpLimiter(HTTP_LIMITERS.bucketMs({ capacity: 5, perSecond: 5 }));
    const load = '--connections 2 --users 2 --duration 0.5 --ramp 0 --policy 5:5/s'.split(' ');
    const target = ['--target', limiter.url, '--subject-header', 'x-api-key'];
    const { stdout, stderr } = await runCli(['bench', ...target, ...load, ...typed], { cwd });
    await limiter.stop();
    const history = join(cwd, 'reports/latest/history.ndjson');
    const [header = ''] = readFileSync(history, 'utf8').split('\n');
    expect(JSON.parse(header).clockSlackUs, stderr).toBe(us);
    expect(stdout).toContain(says);
    const again = await callCli(['check', history]);
    expect(again.stdout, again.stderr).toContain(says);
  });
});
