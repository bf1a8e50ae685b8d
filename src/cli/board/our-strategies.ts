import { BOARD_SCENARIOS } from '../../core/board-terms.ts';
import type { StrategyName } from '../../core/strategies.ts';
import type { ScoreboardLimiter } from '../../report/scoreboard/scoreboard.ts';
import { DEFAULT_POLICY } from '../../scenario/defaults.ts';
import { VERSION } from '../process/version.ts';

/** What docs/strategies declares for each, in a sentence. */
const DECLARED: Readonly<Record<StrategyName, string>> = {
  central:
    'One bucket on the primary of its slot. At most a bucket and the refill of the overlap for each failover, and the refill of a clock step.',
  acked:
    'The same, and a decision counts once every replica has it. Nothing lost at a failover; the refill of a clock step.',
  article: 'The script of a published guide, in whole seconds of the caller. A bound for the worst window.',
  'active-active':
    'Each region decides on its own Redis, and spends are replayed by the others. A bound for the worst window, from the age of what is known.',
  'active-active-lww':
    'Buckets are copied and the last write wins. Declares the bound of active-active, to show that it cannot keep it.',
  'replica-reads': 'Any replica decides. Declares nothing; here to be measured.',
  lease:
    'A process borrows tokens and decides in memory. Nothing lost at a failover; the refill of a clock step.',
  'lease-unacked': 'The same without waiting for replicas. The bound of central.',
};

/** The row of a strategy of openclaw-rl. */
export function rowOfStrategy(strategy: StrategyName): ScoreboardLimiter {
  return {
    id: strategy,
    isOurs: true,
    promise: 'token-bucket',
    version: `openclaw-rl ${VERSION}`,
    name: `openclaw-rl, ${strategy}`,
    language: 'JavaScript',
    setting: `${DEFAULT_POLICY}, --strategy ${strategy}`,
    documentation: [],
    says: DECLARED[strategy],
    covers: strategy === 'replica-reads' ? [] : BOARD_SCENARIOS.slice(1),
    topology: 'cluster',
  };
}
