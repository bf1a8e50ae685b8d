import { OpenclawError } from '../core/errors.ts';

const EVERY_MS = 15;

/**
 * Asks again and again until nothing is lacking. Throws ENVIRONMENT_FAILED with the last answer when the time
 * is up, INTERRUPTED when the signal comes first, also while an answer is awaited.
 */
export async function until(
  what: string,
  withinMs: number,
  signal: AbortSignal,
  findLack: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  let interrupt = () => {};
  const interrupted = new Promise<'interrupted'>((resolve) => {
    interrupt = () => resolve('interrupted');
  });
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    for (;;) {
      const answer = await Promise.race([interrupted, findLack().then((lack) => ({ lack }))]);
      if (answer === 'interrupted' || signal.aborted)
        throw new OpenclawError('INTERRUPTED', `interrupted while waiting for ${what}`);
      if (answer.lack === undefined) return;
      if (performance.now() > deadline) {
        throw new OpenclawError(
          'ENVIRONMENT_FAILED',
          `waited ${withinMs / 1_000} s for ${what}; ${answer.lack}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
