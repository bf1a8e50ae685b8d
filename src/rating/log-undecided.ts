import { OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';

/** Logs why a service cannot decide, at most once a second by this clock. */
export function logUndecided(log: (text: string) => void, nowMs: () => number): (error: unknown) => void {
  let quietUntilMs = 0;
  return (error) => {
    if (nowMs() < quietUntilMs) return;
    quietUntilMs = nowMs() + 1_000;
    const why =
      error instanceof OpenclawError ? `${error.message} [${error.code}]` : printable(String(error));
    log(`cannot decide: ${why}\n`);
  };
}
