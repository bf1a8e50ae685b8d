import { invalidOption } from '../core/errors.ts';
import { isPluginName } from '../core/plugin-name.ts';
import { printable } from '../core/printable.ts';
import { type Promised, parsePromise } from '../core/promise.ts';
import { EXTERNAL } from '../core/strategies.ts';
import type { Header } from '../history/records/operation.ts';

/** By which promise a history is judged: the given one, else that of its header, else a token bucket. */
export function promiseOf({ promise }: Pick<Header, 'promise'>, given: Promised | undefined): Promised {
  return given ?? (promise === undefined ? { type: 'token-bucket' } : parsePromise(promise));
}

/**
 * Throws INVALID_OPTION for a history of a plug-in or of a running service that does not say its promise: as a token
 * bucket a right limiter of windows would be accused. `hint` says how a promise is given.
 */
export function checkPromised(
  { strategy, promise }: Pick<Header, 'strategy' | 'promise'>,
  given: unknown,
  hint: string,
): void {
  if (given !== undefined || promise !== undefined) return;
  if (strategy !== EXTERNAL && !isPluginName(strategy)) return;
  throw invalidOption(
    `the history does not say what its limiter promises, and ${printable(strategy)} may promise anything`,
    hint,
  );
}
