import { checkKnown, type OptionNames } from '../../core/known-options.ts';
import type { Cost, RefundOptions, TakeOptions } from '../limiter.ts';

const KNOWN_OPTIONS: OptionNames<TakeOptions & RefundOptions> = {
  of: 'a take or a refund',
  known: { cost: true, decisionId: true },
  hint: 'use { cost: 3 }, or by policy { cost: { default: 3 } }',
};

/** The options of a take or a refund, with their defaults. Throws INVALID_OPTION for an unknown option. */
export function readTakeOptions(options: TakeOptions | RefundOptions = {}): {
  readonly cost: Cost;
  readonly decisionId: string | undefined;
} {
  checkKnown(options, KNOWN_OPTIONS);
  const { cost = 1, decisionId } = options;
  return { cost, decisionId };
}
