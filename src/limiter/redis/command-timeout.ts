import { invalidOption } from '../../core/errors.ts';
import { checkKnown, type Known } from '../../core/known-options.ts';
import { quoted } from '../../core/printable.ts';

const DEFAULT_COMMAND_TIMEOUT_MS = 1_000;
const MOST_COMMAND_TIMEOUT_MS = 600_000;

export interface CommandTimeout {
  /** The longest time from a call of `take` to its result. Milliseconds, 1 to 600000. Default 1000. */
  readonly commandTimeoutMs?: number;
}

/** The command timeout in milliseconds. Throws INVALID_OPTION. */
export function readTimeout({ commandTimeoutMs: ms = DEFAULT_COMMAND_TIMEOUT_MS }: CommandTimeout): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_COMMAND_TIMEOUT_MS) return ms;
  throw invalidOption(
    `a command timeout is 1 to ${MOST_COMMAND_TIMEOUT_MS} whole milliseconds; found ${quoted(ms)}`,
    `the default is ${DEFAULT_COMMAND_TIMEOUT_MS}`,
  );
}

const KNOWN: Known<CommandTimeout> = { commandTimeoutMs: true };

/** The same for the second argument of `of`, which has no other option. Throws INVALID_OPTION. */
export function readOnlyTimeout(timeout: CommandTimeout, of: string): number {
  checkKnown(timeout, {
    of: `the second argument of ${of}`,
    known: KNOWN,
    hint: `use ${of}(client, { commandTimeoutMs: ${DEFAULT_COMMAND_TIMEOUT_MS} })`,
  });
  return readTimeout(timeout);
}

const BACKOFF_MS = { first: 50, most: 1_000 };

/** Milliseconds to wait before the next attempt to connect. */
export function backoff(attempt: number): number {
  return Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(attempt, 10));
}
