import { falseDenialsOf } from '../limiter/bounds.ts';
import { isApart, type StrategyName } from '../limiter/create.ts';
import type { FailureFlags } from './options.ts';

/** What an exact limiter promises. */
const EXACT = ['total-excess <= 0', 'false-denials <= 0', 'replay <= 0'];

/** The same, and beside it what a failure policy admits where Redis does not answer: the bound has that. */
const EXACT_OR_DECLARED = ['total-excess <= bound', 'false-denials <= 0', 'replay <= 0'];

/** Regions that decide side by side promise no less than a window, and tell no level that can be replayed. */
const APART = ['worst-window <= bound'];

/** A strategy that lends denies also while tokens are at others, and its levels are its own. */
const LENT = ['total-excess <= bound'];

/** What a strategy is held to while nothing goes wrong. */
export function claimsOfStrategy(
  strategy: StrategyName,
  { onFailure = 'closed' }: FailureFlags = {},
): readonly string[] {
  if (isApart(strategy)) return APART;
  if (falseDenialsOf(strategy) > 0) return LENT;
  return onFailure === 'closed' ? EXACT : EXACT_OR_DECLARED;
}
