import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { printable } from '../../core/printable.ts';
import type { Part } from '../../history/records/part.ts';
import { monotonicUs } from '../../load/monotonic.ts';
import type { LoadPart } from '../../load/parts.ts';
import type { ClockPings } from './clock-pings.ts';

/** What a run that sends one part of its load knows of it. */
export interface PartOfRun {
  readonly header: Part;
  readonly share: LoadPart;
  /** All parts begin their keys with it. */
  readonly prefix: string;
  /** The address of its gateway, which runs already. Absent: the part starts the services of its region. */
  readonly gateway?: string;
  /** The file of its history. */
  readonly file: string;
  readonly pings: ClockPings;
  /** Of the clock endpoint. */
  readonly token?: string;
  /** When the load begins, in milliseconds since 1970 by the clock endpoint. */
  readonly startMs: number;
}

/** The connections open in this time. */
const OPEN_US = 1_000_000;
/** The readings before and after the load bound the clock during it. */
const AFTER_MS = 2_000;

/** The start by the clock of this machine, in microseconds. Its own time of day is not used. */
function startUs({ pings, startMs }: PartOfRun): number {
  const { us, wallMs } = pings.first;
  return pings.localUs(us + (startMs - wallMs) * 1_000);
}

/** A warm-up ends within this time, unless an answer is missing. */
const WARM_UP_MS = 2_500;

/** How long a part may wait for services that run already, in milliseconds. */
export function leftToStart(part: PartOfRun): number {
  return Math.max(0, (startUs(part) - OPEN_US - monotonicUs()) / 1_000 - WARM_UP_MS);
}

/**
 * Waits until shortly before the start, which it gives as `startUs` does. Throws ENVIRONMENT_FAILED if that is past, and
 * INTERRUPTED.
 */
export async function untilStart(part: PartOfRun, signal: AbortSignal): Promise<number> {
  const lateUs = monotonicUs() + OPEN_US - startUs(part);
  if (lateUs > 0)
    throw environmentFailed(
      `it was not ready at the start, but ${((lateUs + OPEN_US) / 1_000_000).toFixed(1)} s too late`,
      'choose a later --start-at, for all parts',
    );
  for (;;) {
    const leftMs = (startUs(part) - OPEN_US - monotonicUs()) / 1_000; // again: a better ping may have come
    if (leftMs <= 0) break;
    await sleep(Math.min(leftMs, AGAIN_MS) + 1, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', 'interrupted before any load was sent');
  }
  await refuseDoubled(part);
  return startUs(part);
}

/** Throws ENVIRONMENT_FAILED if another process sends this part. It is asked at the start: one that was killed before began nothing. */
async function refuseDoubled({ pings, header, token }: PartOfRun): Promise<void> {
  const { name, run, machine, task } = header;
  const process = `${task ?? 'a process'} on machine ${machine}, ${randomBytes(6).toString('hex')}`;
  const sender = process.replace(/[^\x20-\x7e]/g, '?');
  const why = await pings.start(header, { sender, ...given({ token }) });
  if (why === undefined) return;
  throw environmentFailed(
    `part ${name} of run ${run} is not sent: ${printable(why)}`,
    'start each part once; for another run choose another --run or --start-at, for all parts',
  );
}

const AGAIN_MS = 1_000;

/** The start for people, with the time until then: a start on the next day is easily meant for today. */
export function describeStart(part: PartOfRun): string {
  const leftS = Math.max(0, Math.round((startUs(part) - monotonicUs()) / 1_000_000));
  const leftMin = Math.round(leftS / 60);
  const left =
    leftS < 120
      ? `${leftS} s`
      : leftMin < 120
        ? `${leftMin} min`
        : `${Math.floor(leftMin / 60)} h ${leftMin % 60} min`;
  return `for the start at ${new Date(part.startMs).toISOString()}, in ${left}`;
}

/** Goes on reading the clocks for a while after the load, unless it is interrupted. */
export async function readOn(signal: AbortSignal): Promise<void> {
  await sleep(AFTER_MS, undefined, { signal }).catch(() => {});
}
