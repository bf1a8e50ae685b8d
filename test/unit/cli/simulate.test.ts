import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { testFolder } from '../../support/cli.ts';

/** Small enough for a second. */
const SMALL = ['--connections', '30', '--users', '12', '--duration', '2', '--ramp', '0', '--resting', '0'];

describe('--simulate', () => {
  it('runs bench in virtual time, without a server, and keeps the run', async () => {
    const cwd = testFolder();
    const claim = ['--claim', 'total-excess <= 0'];
    const { code, stdout } = await callCli(['bench', '--simulate', ...SMALL, ...claim, '--json'], {
      ...{ cwd, env: { PATH: '' } },
    });
    const report = JSON.parse(stdout);
    expect([code, report.verdict, report.simulated]).toEqual([0, 'pass', true]);
    expect(report.command).toContain(' --simulate ');
    const history = readFileSync(join(cwd, 'reports/latest/history.ndjson'), 'utf8');
    expect(JSON.parse(history.split('\n', 1)[0] ?? '')).toMatchObject({
      ...{ type: 'header', simulated: true, startedAt: expect.stringMatching(/^2026-01-01T/) },
    });
  });

  it('runs chaos with its fault, and says what the model knows of it', async () => {
    const cwd = testFolder();
    const fault = ['chaos', 'partition', '--isolate', 'eu-west', '--at', '500ms', '--for', '1s'];
    await callCli([...fault, '--simulate', ...SMALL, '--strategy', 'acked'], { cwd });
    const history = readFileSync(join(cwd, 'reports/latest/history.ndjson'), 'utf8');
    expect(history).toMatch(/"fault":"partition","phase":"inject","atUs":500000/);
    expect(history).toMatch(/"bit":true,"saw":"the simulated network passes nothing from us-east to eu-west/);
  });

  it.each([
    {
      args: ['bench', '--simulate', '--provider', 'local'],
      says: '--provider: cannot be used with --simulate',
    },
    { args: ['run', 'baseline', '--simulate', '--server', 'x'], says: '--server: cannot be used with' },
    { args: ['run', 'baseline', '--simulate', '--engine', 'swarm'], says: 'cannot be used with' },
    { args: ['matrix', '--simulate', '--load-processes', '2'], says: '--load-processes: cannot be used' },
    { args: ['bench', '--simulate', '--target', 'http://127.0.0.1:1/'], says: '--target: cannot be used' },
  ])('refuses what is outside a simulation: $args', async ({ args, says }) => {
    const { code, stderr } = await callCli(args, { cwd: testFolder() });
    expect(code).toBe(64);
    expect(stderr).toContain(says);
  });
});
