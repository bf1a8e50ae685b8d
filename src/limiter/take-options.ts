import { checkKnown, type OptionRules } from './known-options.ts';
import type { Cost, RefundOptions, TakeOptions } from './limiter.ts';

const RULES: OptionRules<TakeOptions & RefundOptions> = {
  of: 'a take or a refund',
  known: { cost: true, decisionId: true },
  hint: 'write { cost: 3 }, or by policy { cost: { default: 3 } }',
};

/** What a take or a refund is asked for. Throws INVALID_OPTION for what would not be heard. */
export function readTakeOptions(options: TakeOptions | RefundOptions = {}): {
  readonly cost: Cost;
  readonly decisionId: string | undefined;
} {
  checkKnown(options, RULES);
  const { cost = 1, decisionId } = options;
  return { cost, decisionId };
}
