import { setMaxListeners } from 'node:events';
import { environmentFailed, OpenclawError } from '../core/errors.ts';

const EVERY_MS = 15;

/**
 * Polls `findLack` until it returns undefined. Throws ENVIRONMENT_FAILED with its last answer on timeout. On abort it
 * throws the signal's reason if that is an OpenclawError, else INTERRUPTED.
 */
export async function waitFor(
  what: string,
  withinMs: number,
  signal: AbortSignal,
  findLack: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const lack = await unlessInterrupted(signal, `waiting for ${what}`, findLack());
    if (lack === undefined) return;
    if (performance.now() > deadline) {
      throw environmentFailed(`waited ${Math.round(withinMs / 100) / 10} s for ${what}; ${lack}`);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** Awaits a promise. On abort it throws the signal's reason if that is an OpenclawError, else INTERRUPTED. */
export async function unlessInterrupted<T>(
  signal: AbortSignal,
  doing: string,
  awaited: Promise<T>,
): Promise<T> {
  let interrupt = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(interruption(signal, doing));
  });
  if (signal.aborted) interrupt();
  setMaxListeners(0, signal); // a large cluster has many concurrent waits; this is no leak
  signal.addEventListener('abort', interrupt);
  try {
    return await Promise.race([interrupted, awaited]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** The error of an aborted signal: its reason if that is an OpenclawError, else INTERRUPTED. */
export function interruption(signal: AbortSignal, doing: string): OpenclawError {
  const { reason } = signal;
  return reason instanceof OpenclawError
    ? reason
    : new OpenclawError('INTERRUPTED', `interrupted while ${doing}`);
}

/** Waits until all promises have settled, then throws the first error. No promise is pending when it throws. */
export async function settleAll(promises: Iterable<Promise<unknown>>): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Waits for all. A failure aborts the others; no promise is pending once this has settled. */
export async function allOrNone<T>(
  signal: AbortSignal,
  start: (stop: AbortSignal) => readonly Promise<T>[],
): Promise<T[]> {
  const failed = new AbortController();
  const starting = start(AbortSignal.any([signal, failed.signal]));
  for (const each of starting) each.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(starting);
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(starting);
}
