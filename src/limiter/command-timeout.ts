import { OpenclawError, quoted } from '../core/errors.ts';

const DEFAULT_COMMAND_TIMEOUT_MS = 1_000;
const MOST_COMMAND_TIMEOUT_MS = 600_000;

export interface CommandTimeout {
  /** From the call of `take` to its reply or error, milliseconds. Default 1000. */
  readonly commandTimeoutMs?: number;
}

/** The time limit of a command, milliseconds. Throws INVALID_OPTION. */
export function readTimeout({ commandTimeoutMs: ms = DEFAULT_COMMAND_TIMEOUT_MS }: CommandTimeout): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_COMMAND_TIMEOUT_MS) return ms;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a command timeout is 1 to ${MOST_COMMAND_TIMEOUT_MS} whole milliseconds; found ${quoted(ms)}`,
    { hint: `the default is ${DEFAULT_COMMAND_TIMEOUT_MS}` },
  );
}

const BACKOFF_MS = { first: 50, most: 1_000 };

/** Milliseconds to wait before a connection is tried again. */
export function backoff(attempt: number): number {
  return Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(attempt, 10));
}
