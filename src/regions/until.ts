import { OpenclawError } from '../core/errors.ts';

const EVERY_MS = 15;

/**
 * Asks again and again until nothing is lacking. Throws ENVIRONMENT_FAILED with the last answer when the time
 * is up, INTERRUPTED when the signal comes first.
 */
export async function until(
  what: string,
  withinMs: number,
  signal: AbortSignal,
  findLack: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (signal.aborted) throw new OpenclawError('INTERRUPTED', `interrupted while waiting for ${what}`);
    const lack = await findLack();
    if (lack === undefined) return;
    if (performance.now() > deadline) {
      throw new OpenclawError('ENVIRONMENT_FAILED', `waited ${withinMs / 1_000} s for ${what}; ${lack}`);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
