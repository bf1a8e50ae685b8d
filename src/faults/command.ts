import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed, invalidOption } from '../core/errors.ts';
import { interruption } from '../regions/waiting.ts';
import type { CommandSpec } from '../scenario/faults/command.ts';
import { formatDuration } from '../scenario/units.ts';
import type { Inject } from './support/fault.ts';
import { type Ended, runCommand, type Shell } from './support/shell.ts';
import { orUndo } from './support/undo.ts';

const POLL_MS = 500;

/** Commands of the user: `inject`, then `until` until it succeeds. The undo runs `heal`. */
export const command: Inject<CommandSpec> = async (spec, { shell: common, signal }) => {
  if (common === undefined) throw invalidOption('there is no folder for the output of its commands');
  const shell = { ...common, cwd: spec.cwd ?? common.cwd };
  const { inject, until, heal, limitMs } = spec;
  return orUndo(
    async () => {
      const ended = await runCommand(shell, { phase: 'inject', text: inject, limitMs, signal });
      if (signal.aborted) throw interruption(signal, 'inject ran');
      if (!ended.isOk) throw environmentFailed(`inject: ${ended.how}`, MEND);
      if (until !== undefined) await untilTrue(until, { shell, limitMs, signal });
    },
    async () => {
      const ended = await runCommand(shell, { phase: 'heal', text: heal, limitMs });
      if (!ended.isOk) throw notHealed(ended, heal, shell);
    },
  );
};

const MEND = 'run the command by hand; its folder and its environment: docs/faults-by-command.md';

interface Polling {
  readonly shell: Shell;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Runs a command each half second until it exits with 0. Throws ENVIRONMENT_FAILED at the limit, INTERRUPTED. */
async function untilTrue(text: string, { shell, limitMs, signal }: Polling): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const ended = await runCommand(shell, { phase: 'until', text, limitMs: leftMs, signal });
    if (signal.aborted) throw interruption(signal, 'until ran');
    if (ended.isOk) return;
    if (performance.now() + POLL_MS >= deadlineMs)
      throw environmentFailed(`until was not true within ${formatDuration(limitMs)}: ${ended.how}`, MEND);
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw interruption(signal, 'until ran');
    });
  }
}

function notHealed({ how }: Ended, heal: string, { cwd, number }: Shell): Error {
  const isOneLine = !/\p{Cc}/u.test(heal);
  const byHand = isOneLine
    ? `run in ${cwd}: ${heal}`
    : `run in ${cwd} the heal of fault ${number} in plan.json`;
  return environmentFailed(`the fault may still be in force; ${byHand}; its heal failed: ${how}`, byHand);
}
