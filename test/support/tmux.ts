import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { testFolder } from './cli.ts';
import { processesMentioning } from './processes.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A real terminal with an interactive shell in it; bash, whose prompt is `$ `, without another. Gone when the test is over. */
export interface TerminalUnderTest {
  /** What is seen: the rows without the blanks at their ends. */
  screen(): Promise<string>;
  /** That and what is above it, with the escapes that colour it. */
  coloured(): Promise<string>;
  /** What has scrolled out of sight above it, and what is seen. */
  everything(): Promise<string>;
  /** The lines of it that are too long for the terminal, which has wrapped them; but for what was typed. */
  wrapped(columns: number): Promise<string[]>;
  /** Empties it, and what is above it. */
  clear(): Promise<void>;
  type(line: string): Promise<void>;
  /** The same without the Enter at its end. */
  write(text: string): Promise<void>;
  /** A key as tmux names it: `C-c`, `Enter`. */
  key(name: string): Promise<void>;
  resize(size: Size): Promise<void>;
  /** Whether a view has it, and whether the cursor is seen. */
  state(): Promise<{ readonly isView: boolean; readonly hasCursor: boolean }>;
  /** Waits until `holds` of what is seen; fails with that. */
  until(what: string, holds: (screen: string) => boolean, patienceMs?: number): Promise<string>;
}

interface TerminalOptions {
  /** Default: one of its own. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Interactive, without the user's settings. */
  readonly shell?: readonly string[];
}
const BASH = ['bash', '--norc', '--noprofile', '-i'];

let terminals = 0;
const run = promisify(execFile);

export async function startTerminal(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  { columns, rows }: Size,
  { cwd = testFolder(onTestFinished), env = {}, shell = BASH }: TerminalOptions = {},
): Promise<TerminalUnderTest> {
  const socket = join(cwd, `tmux-${++terminals}`);
  const { TMUX: _tmux, NO_COLOR: _colour, ...rest } = process.env;
  const ours = {
    TERM: 'xterm-256color',
    LC_ALL: 'C.UTF-8',
    OPENCLAW_RL_STATE: join(cwd, 'state'),
    PS1: '$ ',
  };
  const tmux = async (...args: string[]) => {
    const options = { cwd, env: { ...rest, ...ours, ...env } };
    return (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args], options)).stdout;
  };
  const size = ['-x', String(columns), '-y', String(rows)];
  await tmux('new-session', '-d', ...size, ...shell);
  onTestFinished(async () => {
    await tmux('kill-server');
    // What a test that has failed left running tears down what it started.
    while (processesMentioning(cwd).length > 0) await sleep(100);
  });
  const screen = async () => (await tmux('capture-pane', '-p')).replace(/ +$/gm, '').trimEnd();
  return {
    screen,
    coloured: () => tmux('capture-pane', '-p', '-e', '-S', '-'),
    everything: () => tmux('capture-pane', '-p', '-S', '-'),
    async clear() {
      await tmux('send-keys', '-R');
      await tmux('clear-history');
    },
    async wrapped(columns) {
      const lines = (await tmux('capture-pane', '-p', '-J', '-S', '-')).split('\n');
      return lines.filter((line) => line.trimEnd().length > columns && !line.includes('$?'));
    },
    write: async (text) => void (await tmux('send-keys', '-l', text)),
    async type(line) {
      await tmux('send-keys', '-l', line);
      await tmux('send-keys', 'Enter');
    },
    key: async (name) => void (await tmux('send-keys', name)),
    resize: async (to) => void (await tmux('resize-window', '-x', String(to.columns), '-y', String(to.rows))),
    async state() {
      const found = (await tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}')).split(/\s/);
      return { isView: found[0] === '1', hasCursor: found[1] === '1' };
    },
    async until(what, holds, patienceMs = 60_000) {
      const endMs = performance.now() + patienceMs;
      for (;;) {
        const seen = await screen();
        if (holds(seen)) return seen;
        if (performance.now() > endMs) throw new Error(`waited in vain for ${what}; seen:\n${seen}`);
        await sleep(100);
      }
    },
  };
}
