import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { Outcome } from '../../history/records/operation.ts';
import { playRun, startSystem } from '../play-run.ts';
import { recordRun } from '../record-run.ts';
import type { RunOptions } from '../run-context.ts';
import type { ClockPings } from './clock-pings.ts';
import type { PartOfRun } from './part-of-run.ts';

/** A part of a run whose load was sent, and all of it recorded. */
export interface RecordedPart {
  /** SHA-256 of the file's bytes before its last line. */
  readonly digest: string;
  readonly books: Books;
  readonly clock: ReturnType<ClockPings['facts']>;
  /** Sentences for what went wrong and makes the run prove less. */
  readonly problems: readonly string[];
}

/** How many requests were sent and how they ended, and how many of an open load were due and not sent. */
export type Books = Readonly<Record<'sent' | Outcome | 'dropped', number>>;

/**
 * Sends one part of the load of a run, and records it in the file of the part: starts the services of its region, warms
 * them up, waits for the start that all parts have. If it fails, `onLogs` gets the folder where the logs of its services
 * stay; a part of HTTP services has none.
 */
export async function runPart({
  onLogs,
  ...options
}: Omit<RunOptions, 'folder'> & {
  readonly part: PartOfRun;
  readonly onLogs: (folder: string) => void;
}): Promise<RecordedPart> {
  const folder = await mkdtemp(join(tmpdir(), 'openclaw-rl-load-'));
  let isKept = false;
  try {
    return await playRun({ ...options, folder }, async (run) => {
      const { written } = await recordRun(run, await startSystem(run));
      const { digest = '', frame } = written;
      const dropped = frame.events
        .filter(({ event }) => event === 'dropped')
        .reduce((sum, { args }) => sum + Number(args?.requests ?? 0), 0);
      const sent = Object.values(frame.outcomes).reduce((sum, number) => sum + number, 0);
      const clock = options.part.pings.facts();
      return { digest, clock, books: { sent, ...frame.outcomes, dropped }, problems: [...run.problems] };
    });
  } catch (error) {
    const isInterrupted = error instanceof OpenclawError && error.code === 'INTERRUPTED';
    isKept = !isInterrupted && (await readdir(folder)).length > 0;
    if (isKept) onLogs(folder);
    throw error;
  } finally {
    if (!isKept) await rm(folder, { recursive: true, force: true });
  }
}

/** Throws INVALID_OPTION unless a new file can be written there. */
export async function checkNewFile(path: string): Promise<void> {
  try {
    await (await open(path, 'wx')).close();
    await rm(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw invalidOption(
      `--out: ${printable(path)} ${code === 'EEXIST' ? 'is there already' : `cannot be written: ${message}`}`,
      'choose another file',
    );
  }
}
