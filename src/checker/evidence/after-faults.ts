import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import { sharingSides } from '../claims/evidence-claims.ts';
import { stepsClock } from '../clocks/fault-steps.ts';
import type { BucketRows } from '../rows/bucket-rows.ts';
import { markContested } from './contested.ts';
import type { ExerciseFacts } from './facts.ts';
import { findPhases, type Phase } from './phases.ts';
import { SideJoins } from './side-joins.ts';
import { namesOfSides, type Sides } from './sides.ts';
import type { LookedAt } from './spent-levels.ts';

const LONGER = 'heal the fault earlier (--at, --for), or let the load go on for longer after it (--duration)';

/**
 * Whether the limit was in force again after the last fault: a bucket was contested, and all sides counted together. That
 * they did cannot be seen after a step of a clock: what a bucket may lag from then on explains any denial. It is not asked
 * of sides that count apart on purpose.
 */
export class AfterFaults {
  readonly #phase: Phase | undefined;
  readonly #joins: SideJoins | undefined;
  /** By a request that was sent after it. */
  #isContested = false;

  constructor(history: History, sides: Sides, { claims = [] }: Pick<CheckOptions, 'claims'>) {
    const last = findPhases(history.faults).at(-1);
    this.#phase = last?.isAfter === true ? last : undefined;
    const isShared = sharingSides(history.header.strategy, sides.names.length) > 1;
    const hasStep = history.faults.some(stepsClock);
    const areApart = claims.some(({ measure, limit }) => measure === 'sides' && limit === 0);
    if (this.#phase !== undefined && isShared && !hasStep && !areApart)
      this.#joins = new SideJoins(history, sides, { fromUs: this.#phase.fromUs });
  }

  look(rows: BucketRows, judged: LookedAt): void {
    this.#joins?.look(rows, judged);
    if (!judged.isContested || this.#phase === undefined || this.#isContested) return;
    const { fromUs } = this.#phase;
    markContested(rows, judged, (row) => {
      if ((rows.table.invokedUs[row] as number) >= fromUs) this.#isContested = true;
    });
  }

  facts(): ExerciseFacts[] {
    if (this.#phase === undefined)
      return [{ isExercised: false, about: 'the last fault was not healed', wayOut: LONGER }];
    const { name } = this.#phase;
    const sides = this.#joins?.facts();
    return [
      this.#isContested
        ? { isExercised: true, about: `a bucket was contested ${name}` }
        : { isExercised: false, about: `no bucket was contested ${name}`, wayOut: LONGER },
      ...(sides === undefined ? [] : [sidesExercise(name, sides)]),
    ];
  }
}

function sidesExercise(
  phase: string,
  { count, leftOut }: { count: number; leftOut: readonly string[] },
): ExerciseFacts {
  return leftOut.length === 0
    ? { isExercised: true, about: `all ${count} sides counted together ${phase}` }
    : { isExercised: false, about: `${namesOfSides(leftOut)} may count alone ${phase}`, wayOut: LONGER };
}
