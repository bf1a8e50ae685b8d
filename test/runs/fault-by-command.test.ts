import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCli, testFolder, untilSaid } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';

const SMALL = '--rate 60 --connections 60 --users 6 --skew 0 --ramp 1 --at 1s --for 2s'.split(' ');

/** Starts `chaos command`; its commands run in the folder. */
function chaos(folder: string, flags: readonly string[], { duration = 60 } = {}) {
  return startCli(['chaos', 'command', ...flags, ...SMALL, '--duration', String(duration)], { cwd: folder });
}

describe('a run with a fault by commands', { timeout: 120_000 }, () => {
  it.each([
    { signal: 'SIGINT', code: 130 },
    { signal: 'SIGTERM', code: 143 },
  ] as const)(
    'is healed at $signal, while it is in force and while it is injected',
    async ({ signal, code }) => {
      for (const inject of ['echo > broken', 'echo > broken; sleep 600']) {
        const folder = testFolder();
        const run = chaos(folder, ['--inject', inject, '--heal', 'rm broken', '--limit', '10m'], {
          duration: 600,
        });
        await untilSaid(run, /fault command/);
        await expect.poll(() => existsSync(join(folder, 'broken')), { timeout: 60_000 }).toBe(true);
        run.child.kill(signal);
        expect(await run.ended, run.output.stderr).toBe(code);
        expect(existsSync(join(folder, 'broken')), run.output.stderr).toBe(false);
        expect(run.output.stderr).not.toMatch(/not undone|bug/);
        expect(run.output.stdout).toMatch(/^verdict {2}(unknown|fail)\n/);
        expect(processesMentioning(folder)).toEqual([]);
      }
    },
  );

  it('runs the commands of a scenario beside its file, and keeps what they print', async () => {
    const folder = testFolder();
    const nasty = `echo '<b>|::error::'; test -e here.yaml`;
    const scenario = [
      '# Is it broken and mended?',
      'load: { mode: open, rate: 100, connections: 300, users: 6, skew: 0, duration: 6s, ramp: 1s }',
      `faults: [{ fault: command, inject: ${JSON.stringify(nasty)}, heal: test -e here.yaml, at: 1s, for: 2s }]`,
      'claims: [total-excess <= bound, contested >= 1]',
    ];
    writeFileSync(join(folder, 'here.yaml'), `${scenario.join('\n')}\n`);
    const run = startCli(['run', join(folder, 'here.yaml')], {
      cwd: testFolder(),
      env: { REDIS_PASSWORD: 'x' },
    });
    expect(await run.ended, run.output.stderr).toBe(0);
    const [, kept = ''] = /^kept in {2}(.*)$/m.exec(run.output.stdout) ?? [];
    const read = (file: string) => readFileSync(join(kept, file), 'utf8');
    expect(read('faults/1-inject.log')).toMatch(/\n<b>\|::error::\n# exit code 0 after/);
    expect(read('faults/1-heal.log')).toMatch(/\n# exit code 0 after/);
    expect(run.output.stdout).not.toMatch(/^::error::/m);
    expect(read('report.md')).toContain("echo '&lt;b&gt;\\|::error::'");
    expect(read('report.html')).not.toContain('<b>|');
  });

  it('whose heal fails says what is not undone, and what to type', async () => {
    const folder = testFolder();
    const run = chaos(folder, ['--inject', 'true', '--heal', 'echo no route; false'], { duration: 5 });
    expect(await run.ended, run.output.stderr).toBe(2);
    const left = `the fault may still be in force; run in ${folder}: echo no route; false; its heal failed: exit code 1, last lines: no route`;
    expect(run.output.stderr).toContain(
      `warning: not undone: heal every fault: Error: heal command: OpenclawError: ${left}`,
    );
    expect(run.output.stdout).toMatch(/^verdict {2}unknown\n/);
    expect(run.output.stdout.replaceAll(/\s+/g, ' ')).toContain('the fault may still be in force; run in');
  });

  it('whose inject fails ends with its last lines, healed', async () => {
    const folder = testFolder();
    const flags = ['--inject', 'touch half; echo access denied; exit 7', '--heal', 'rm half'];
    const run = chaos(folder, flags);
    expect(await run.ended, run.output.stderr).toBe(69);
    expect(run.output.stderr).toMatch(
      /error: inject: exit code 7, last lines: access denied; output: .*1-inject.log\n/,
    );
    expect(run.output.stderr).not.toMatch(/not undone/);
    expect(existsSync(join(folder, 'half'))).toBe(false);
  });
});
