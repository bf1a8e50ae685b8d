import { type CheckReport, checkHistory } from '../../../src/checker/check.ts';
import type { LieReason } from '../../../src/checker/stated/lies.ts';
import type { DishonestSpecimen } from './dishonest.ts';
import type { Specimen } from './limiter.ts';
import { runSpecimen } from './run.ts';
import { honestly, stating } from './stated.ts';

/** What is held against the values that a specimen states. */
export interface AccusationOfLies {
  readonly reasons: readonly LieReason[];
  readonly report: CheckReport;
}

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** Runs and judges a limiter that states one thing wrongly. */
export function accuseOfLies(specimen: DishonestSpecimen, seed: number, count: number): AccusationOfLies {
  return judged(specimen, seed, count, true);
}

/** Runs and judges a correct limiter with honest values, whose roundings and forms depend on the seed. */
export function accuseHonest(specimen: Specimen, seed: number, count: number): AccusationOfLies {
  const round = seed % 2 === 0 ? Math.floor : Math.ceil;
  const honest = stating(specimen, () => (known) => honestly(known, round, seed));
  return judged(honest, seed, count, seed % 5 !== 0);
}

function judged(specimen: Specimen, seed: number, count: number, areClocksRead: boolean): AccusationOfLies {
  const { history } = runSpecimen(specimen, seed, count, { areClocksRead });
  const report = checkHistory(history, {
    ...RULES,
    ...(specimen.splits === true && { declaresStated: { tooLow: true } as const }),
  });
  return { reasons: Object.keys(report.dishonest.reasons) as LieReason[], report };
}
