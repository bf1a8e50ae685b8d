import { describe, expect, it, onTestFinished } from 'vitest';
import { BIN } from '../support/cli.ts';
import { clustersIn, folderWith } from '../support/cluster-states.ts';
import { hasProgram } from '../support/programs.ts';
import { startTerminal, type TerminalUnderTest as Terminal } from '../support/tmux.ts';

const DOWN = `${BIN} down --all; echo "code $?"`;

describe.skipIf(!hasProgram('tmux', '-V'))('down --all in a terminal', { timeout: 60_000 }, () => {
  it.each([
    {
      title: 'n',
      type: (terminal: Terminal) => terminal.type('n'),
      code: 69,
      says: 'nothing was ended',
      left: ['a'],
    },
    {
      title: 'Ctrl-C',
      type: (terminal: Terminal) => terminal.key('C-c'),
      code: 130,
      says: 'nothing was done',
      left: ['a'],
    },
    {
      title: 'Ctrl-D',
      type: (terminal: Terminal) => terminal.key('C-d'),
      code: 69,
      says: 'nothing was ended',
      left: ['a'],
    },
    {
      title: 'y',
      type: (terminal: Terminal) => terminal.type('y'),
      code: 0,
      says: 'cluster a is down',
      left: [],
    },
  ])('lists clusters and asks; after $title: exit code $code', async ({ type, code, says, left }) => {
    const cwd = folderWith({ a: {} });
    const terminal = await startTerminal({ onTestFinished }, { columns: 100, rows: 24 }, { cwd });
    await terminal.type(DOWN);
    const asked = await terminal.until('the question', (screen) => screen.endsWith('[y/N]'));
    expect(asked).toContain(
      '\ndown --all ends:\n  a  up since 2026-11-27 10:12:01 UTC\nEnd all of them? [y/N]',
    );
    await type(terminal);
    const screen = await terminal.until('the end', (seen) => /\ncode \d+\n\$$/.test(seen));
    expect(screen).toContain(says);
    expect(screen).toMatch(new RegExp(`\\ncode ${code}\\n`));
    expect(clustersIn(cwd)).toEqual(left);
  });

  it('asks nothing if its input is no terminal', async () => {
    const cwd = folderWith({ a: {} });
    const terminal = await startTerminal({ onTestFinished }, { columns: 100, rows: 24 }, { cwd });
    await terminal.type(`</dev/null ${DOWN}`);
    expect(await terminal.until('the end', (seen) => /\ncode \d+\n\$$/.test(seen))).toMatch(
      /cluster a is down\ncode 0\n/,
    );
  });
});
