import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import { sharingSides } from '../claims/evidence-claims.ts';
import { stepsClock } from '../clocks/fault-steps.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { markContested } from './contested.ts';
import { plannedPolicies } from './contested-facts.ts';
import type { ExerciseFacts, SideFacts } from './facts.ts';
import { findPhases, type Phase } from './phases.ts';
import { SideJoins } from './side-joins.ts';
import { namesOfSides, type Sides } from './sides.ts';
import type { LookedAt } from './spent-levels.ts';

const LONGER = 'heal the fault earlier (--at, --for), or let the load go on for longer after it (--duration)';

/**
 * Whether the limit was in force again after the last fault: a bucket was contested, of several policies one of each, and
 * all sides counted together. That they did cannot be seen after a step of a clock: what a bucket may lag from then on explains any denial. It is not asked
 * of sides that count apart on purpose.
 */
export class AfterFaults {
  readonly #phase: Phase | undefined;
  readonly #joins: SideJoins | undefined;
  /** The policies of the plan, or '' for whichever there is. */
  readonly #policies: readonly string[];
  /** Those of which a bucket was contested by a request that was sent after it. */
  readonly #contested = new Set<string>();

  constructor(
    history: History,
    sides: Sides,
    { claims = [], busiest }: Pick<CheckOptions, 'claims' | 'busiest'>,
  ) {
    const planned = plannedPolicies(history, { busiest });
    this.#policies = planned.length < 2 ? [''] : planned;
    const last = findPhases(history.faults).at(-1);
    this.#phase = last?.isAfter === true ? last : undefined;
    const isShared = sharingSides(history.header.strategy, sides.names.length) > 1;
    const hasStep = history.faults.some(stepsClock);
    const areApart = claims.some(({ measure, limit }) => measure === 'sides' && limit === 0);
    if (this.#phase !== undefined && isShared && !hasStep && !areApart)
      this.#joins = new SideJoins(history, sides, { policies: planned, fromUs: this.#phase.fromUs });
  }

  look(rows: BucketRows, judged: LookedAt): void {
    this.#joins?.look(rows, judged);
    const policy = this.#policies.length > 1 ? rows.table.policyNameOf(rows.bucket) : '';
    if (!judged.isContested || this.#phase === undefined || this.#contested.has(policy)) return;
    const { fromUs } = this.#phase;
    markContested(rows, judged, (row) => {
      if ((rows.table.invokedUs[row] as number) >= fromUs) this.#contested.add(policy);
    });
  }

  facts(): ExerciseFacts[] {
    if (this.#phase === undefined)
      return [{ isExercised: false, about: 'the last fault was not healed', wayOut: LONGER }];
    const { name } = this.#phase;
    const sides = this.#joins?.facts();
    return [
      ...this.#policies.map((policy) => contestedExercise(name, policy, this.#contested.has(policy))),
      ...(sides === undefined ? [] : [sidesExercise(name, sides)]),
    ];
  }
}

function contestedExercise(phase: string, policy: string, isExercised: boolean): ExerciseFacts {
  const bucket = `bucket${policy === '' ? '' : ` of policy ${policy}`} was contested ${phase}`;
  return isExercised
    ? { isExercised, about: `a ${bucket}` }
    : { isExercised, about: `no ${bucket}`, wayOut: LONGER };
}

function sidesExercise(phase: string, { count, leftOut, policy }: SideFacts): ExerciseFacts {
  const of = policy === undefined ? '' : ` by policy ${policy}`;
  return leftOut.length === 0
    ? { isExercised: true, about: `all ${count} sides counted together ${phase}` }
    : { isExercised: false, about: `${namesOfSides(leftOut)} may count alone${of} ${phase}`, wayOut: LONGER };
}
