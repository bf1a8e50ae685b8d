import { setMaxListeners } from 'node:events';
import { OpenclawError } from '../core/errors.ts';

const EVERY_MS = 15;

/**
 * Asks again and again until nothing is lacking. Throws ENVIRONMENT_FAILED with the last answer when the time
 * is up; when the signal comes first, also while an answer is awaited, what it says as its reason, else INTERRUPTED.
 */
export async function until(
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
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        `waited ${Math.round(withinMs / 100) / 10} s for ${what}; ${lack}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** What is awaited, unless the signal comes before: then throws what it says as its reason, else INTERRUPTED. */
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
  setMaxListeners(0, signal); // a large cluster waits for many things at once: no leak
  signal.addEventListener('abort', interrupt);
  try {
    return await Promise.race([interrupted, awaited]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** Why a signal that has come ends what was being done: its own reason where that is an error of ours. */
export function interruption(signal: AbortSignal, doing: string): OpenclawError {
  const { reason } = signal;
  return reason instanceof OpenclawError
    ? reason
    : new OpenclawError('INTERRUPTED', `interrupted while ${doing}`);
}
