import { OpenclawError } from '../../core/errors.ts';
import { shown } from '../../core/printable.ts';
import type { Subject } from '../limiter.ts';

/**
 * What a function of the caller answers for a subject. Throws INVALID_OPTION if it throws, with its error as cause, or
 * returns a promise; the error of that promise is dropped, since nothing waits for it.
 */
export function answerOf<T>(name: string, rule: (subject: Subject) => T, subject: Subject): T {
  const answer = called(name, rule, subject);
  if (typeof answer !== 'object' || answer === null || !('then' in answer)) return answer;
  Promise.resolve(answer).catch(() => {});
  throw new OpenclawError('INVALID_OPTION', `${name} is synchronous; found a promise`, {
    hint: 'load its answers beforehand, and return them synchronously',
  });
}

function called<T>(name: string, rule: (subject: Subject) => T, subject: Subject): T {
  try {
    return rule(subject);
  } catch (error) {
    if (error instanceof OpenclawError) throw error;
    const why = error instanceof Error ? error.message : shown(error);
    throw new OpenclawError('INVALID_OPTION', `${name} threw: ${why}`, {
      hint: `see the cause; ${name} must answer for every subject`,
      cause: error,
    });
  }
}
