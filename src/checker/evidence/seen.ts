import { given } from '../../core/given.ts';
import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import { isOnCorrectness } from '../claims/evidence-claims.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { AfterFaults } from './after-faults.ts';
import { plannedPolicies } from './contested-facts.ts';
import { Exercises } from './exercises.ts';
import type { CheckFacts } from './facts.ts';
import { OwnLimits } from './own-limits.ts';
import { SideJoins } from './side-joins.ts';
import { sidesOf } from './sides.ts';
import type { LookedAt } from './spent-levels.ts';

/** The evidence that takes a search: sides that count together, and what was exercised. */
export class Seen {
  readonly #joins: SideJoins;
  readonly #own: OwnLimits;
  readonly #exercises: Exercises | undefined;
  readonly #after: AfterFaults | undefined;

  constructor(history: History, options: CheckOptions) {
    const sides = sidesOf(history, options.instances);
    const { planned } = options;
    this.#joins = new SideJoins(history, sides, { policies: plannedPolicies(history, options) });
    this.#own = new OwnLimits(sides);
    this.#exercises = planned && new Exercises(history.operations, planned);
    const isReturning = history.faults.length > 0 && planned?.neverReturns !== true;
    this.#after = isReturning ? new AfterFaults(history, sides, options) : undefined;
  }

  /** Looks at the loaded bucket. */
  look(rows: BucketRows, judged: LookedAt): void {
    this.#joins.look(rows, judged);
    this.#own.look(rows, judged);
    this.#exercises?.look(rows, judged);
    this.#after?.look(rows, judged);
  }

  facts(): Pick<CheckFacts, 'sides' | 'exercises'> {
    const isAsked = this.#exercises !== undefined || this.#after !== undefined;
    return {
      ...given({ sides: this.#joins.facts(this.#own.possible()) }),
      ...(isAsked && {
        exercises: [...(this.#exercises?.facts() ?? []), ...(this.#after?.facts() ?? [])],
      }),
    };
  }
}

/** Undefined if no claim needs it. */
export function makeSeen(history: History, options: CheckOptions): Seen | undefined {
  const { claims, contestedBucketsAtLeast = 0 } = options;
  const isNeeded =
    claims?.some(
      ({ measure }) => measure === 'sides' || measure === 'exercised' || isOnCorrectness({ measure }),
    ) ?? contestedBucketsAtLeast > 0;
  return isNeeded ? new Seen(history, options) : undefined;
}
