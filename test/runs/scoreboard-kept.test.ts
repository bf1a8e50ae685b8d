import { expect, it } from 'vitest';
import { runCli, testFolder } from '../support/cli.ts';
import { proved } from '../support/proved.ts';

it('is true of three cells that are run again: the kept scoreboard', { timeout: 600_000 }, async () => {
  const limiters = ['rate-limiter-flexible', 'express-rate-limit-memory', 'redis-docs-incr-counter'];
  const typed = ['scoreboard', '--check', ...limiters, '--scenario', 'healthy', 'restart', '--seed', '5'];
  const cwd = testFolder();
  const check = () => runCli(typed, { cwd });
  const { code, stdout, stderr } = await proved(check, (ran) => ran.code !== 2);
  expect(code, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toMatch(/^equal: express-rate-limit-memory in restart: exceeded$/m);
  expect(stdout).toMatch(/^equal: rate-limiter-flexible in healthy: kept$/m);
  expect(stdout).toMatch(/^equal: redis-docs-incr-counter in healthy: broken$/m);
});
