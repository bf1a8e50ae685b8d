import { shown } from '../../../core/printable.ts';

/**
 * A line that a program wrote: it is `ready`, cannot start (`error` without an id), or answers the take `id`: by a decision, or
 * by an error that has charged nothing with certainty if `charge` is `none`.
 */
export interface Message {
  readonly ready?: true;
  readonly id?: number;
  readonly error?: string;
  readonly charge?: unknown;
}

/** The longest line that a program may write, in characters. */
export const LONGEST_LINE = 65_536;

const EXPECTED =
  'expected {"ready": true}, {"id": ..., "allowed": ...} or {"error": "..."}, each on a line of its own; other output belongs on standard error';

/** Reads a line of a program. Throws with what was expected. */
export function readMessage(line: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`wrote ${shown(line)} to its standard output; ${EXPECTED}`);
  }
  if (isMessage(value)) return value;
  throw new Error(`wrote ${shown(line)}; ${EXPECTED}`);
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false;
  const { ready, error, id } = value as Record<string, unknown>;
  const isOfTake = typeof id === 'number' && Number.isSafeInteger(id);
  if (isOfTake) return true;
  return id === undefined && (ready === true || typeof error === 'string');
}
