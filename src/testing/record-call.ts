import { readError } from './read-answer.ts';
import type { TakeRecorder } from './recorder.ts';
import type { Answer, Asked } from './taken.ts';

/** How one call is recorded. */
export interface Recording<Result> {
  readonly recorder: TakeRecorder;
  /** What the call asks for. */
  readonly asked: () => Asked;
  /** What the result means; undefined if the limiter did not decide. */
  readonly read: (result: Result) => Answer | undefined;
}

/** Runs a call and records it. Its result and its errors are passed on; what goes wrong in recording is not. */
export function recordCall<Result>(
  { recorder, asked, read }: Recording<Awaited<Result>>,
  run: () => Result,
): Result {
  const index = attempt(recorder, () => recorder.begin(asked()));
  const settle = (result: Awaited<Result>) =>
    attempt(recorder, () => {
      const answer = read(result);
      if (answer === undefined) recorder.drop(index);
      else recorder.end(index, answer);
    });
  const fail = (error: unknown) => attempt(recorder, () => recorder.end(index, readError(error)));
  try {
    const result = run();
    if (isPromise(result)) result.then(settle, fail);
    else settle(result as Awaited<Result>);
    return result;
  } catch (error) {
    fail(error);
    throw error;
  }
}

/** Errors of recording make `history` throw, and nothing else. */
export function attempt<T>(recorder: TakeRecorder, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    recorder.refuse(error);
    return undefined;
  }
}

function isPromise<T>(value: T): value is T & PromiseLike<Awaited<T>> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
