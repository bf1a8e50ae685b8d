import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, runCli, testFolder } from '../support/cli.ts';
import { hasProgram } from '../support/programs.ts';
import { startTerminal } from '../support/tmux.ts';

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 50 },
] as const;

const LOAD = '--rate 100 --connections 60 --users 12 --skew 0 --duration 6';
const SMALL = `# Does a small run fit into a matrix?
topology: { regions: [a, b], replicas: 0, roundTrip: { a:b: 10ms } }
policy: 8:2/s
load: { mode: open, rate: 80, connections: 60, users: 4, skew: 0, roaming: 1, ramp: 1s, duration: 4s }
claims: [false-denials <= 0, contested >= 50%, info <= 5%]
`;

/** What is looked at, and whether it ends with a verdict. */
const COMMANDS = [
  { command: `bench ${LOAD}`, hasVerdict: true },
  { command: `chaos partition --isolate eu-west --at 1s --for 2s ${LOAD}`, hasVerdict: true },
  { command: 'check reports/latest/history.ndjson', hasVerdict: true },
  { command: 'status', hasVerdict: false },
  { command: 'inspect u1', hasVerdict: false },
  { command: 'runs', hasVerdict: false },
  { command: 'matrix --scenario small.yaml --strategy central --strategy acked', hasVerdict: false },
];

/** Where a run's own screen was looked at in another size. */
const OF_WHAT_IS_KEPT = [{ command: 'report', hasVerdict: true }, ...COMMANDS.slice(2)];

/** Where screens are kept: npm run docs:screens. */
const KEPT = process.env.OPENCLAW_RL_KEEP_SCREENS;

describe.skipIf(!hasProgram('tmux', '-V'))(
  'what a command prints in a terminal',
  { timeout: 600_000 },
  () => {
    it('is not wrapped by it, at any size, and ends with the verdict', async (context) => {
      const cwd = testFolder(context.onTestFinished);
      writeFileSync(join(cwd, 'small.yaml'), SMALL);
      const env = { OPENCLAW_RL_STATE: join(cwd, 'state') };
      await runCli(['up'], { cwd, env });
      const terminal = await startTerminal(context, SIZES[0], { cwd });
      try {
        for (const size of SIZES) {
          await terminal.resize(size);
          for (const { command, hasVerdict } of size === SIZES[0] || KEPT !== undefined
            ? COMMANDS
            : OF_WHAT_IS_KEPT) {
            await terminal.clear();
            await terminal.type(`${BIN} ${command}; echo "code $?"`);
            const last = await terminal.until(
              `the end of ${command}`,
              (screen) => /^code \d+$/m.test(screen),
              120_000,
            );
            const where = `${command} at ${size.columns}x${size.rows}`;
            expect(await terminal.wrapped(size.columns), where).toEqual([]);
            if (hasVerdict) expect(last, where).toMatch(/^verdict {2}(pass|fail|unknown)/m);
            if (KEPT !== undefined)
              keep(join(KEPT, `${command.split(' ')[0]}-${size.columns}x${size.rows}.txt`), last, cwd);
          }
        }
      } finally {
        await runCli(['down'], { cwd, env });
      }
    });
  },
);

/** Keeps a screen without the folder of the test and without what tells its end. */
function keep(file: string, screen: string, cwd: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const shown = screen
    .replaceAll(`${BIN} `, 'bin/openclaw-rl ')
    .replaceAll(`${cwd}/`, '')
    .replaceAll('; echo "code $?"', '')
    .split('\n');
  writeFileSync(
    file,
    `${shown
      .filter((line) => !/^code \d+$/.test(line))
      .join('\n')
      .trimEnd()}\n`,
  );
}
