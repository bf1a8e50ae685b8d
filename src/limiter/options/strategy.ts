import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { isStrategy, STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';

/** Checks the name of a strategy. Throws INVALID_OPTION. */
export function parseStrategy(name: string): StrategyName {
  if (isStrategy(name)) return name;
  throw invalidOption(
    `a strategy is one of ${STRATEGY_NAMES.join(', ')}; found ${quoted(name)}`,
    'the default is central',
  );
}
