import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import { OpenclawError } from '../../core/errors.ts';

/** Asks a question and returns the line that is typed; empty at the end of the input. Throws INTERRUPTED. */
export type Ask = (question: string) => Promise<string>;

/** Whether an answer is a yes; none is a no. */
export function isYes(answer: string | undefined): boolean {
  return /^\s*y(es)?\s*$/i.test(answer ?? '');
}

/** Undefined if standard input or standard error is no terminal. */
export function askInTerminal(interrupt: AbortSignal): Ask | undefined {
  if (!isatty(0) || !isatty(2)) return undefined;
  return async (question) => {
    process.stderr.write(question);
    const lines = createInterface({ input: process.stdin });
    const typed = once(lines, 'line', { signal: interrupt }).then(([line]) => String(line));
    const ended = once(lines, 'close', { signal: interrupt }).then(() => undefined);
    try {
      const line = await Promise.race([typed, ended]);
      if (line === undefined) process.stderr.write('\n');
      return line ?? '';
    } catch {
      process.stderr.write('\n');
      throw new OpenclawError('INTERRUPTED', 'interrupted before an answer: nothing was done');
    } finally {
      lines.close();
    }
  };
}
