import { type CheckReport, checkHistory } from '../../../src/checker/check.ts';
import type { Specimen } from './limiter.ts';
import { runReplicated } from './replicated.ts';
import { runSpecimen } from './run.ts';
import { showsDefect } from './workload.ts';

/** Which checkers hold something against a specimen. */
export interface Accusation {
  readonly overAdmission: boolean;
  readonly falseDenial: boolean;
  readonly replay: boolean;
  readonly report: CheckReport;
  /** Of a specimen: whether its circumstances show its defect. */
  readonly isShown?: boolean;
}

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** Runs and judges the acked limiter of `replicated.ts`; what clocks apart may mint is declared, and no accusation. */
export function accuseReplicated(seed: number): Accusation {
  const { history, mayMint } = runReplicated(seed);
  const report = checkHistory(history, RULES);
  return {
    overAdmission: !mayMint && report.overAdmission.buckets > 0,
    falseDenial: report.falseDenials.buckets > 0,
    replay: report.replay.buckets > 0,
    report,
  };
}

/** Runs and judges a specimen; the false denials of one that splits its tokens are declared, and no accusation. */
export function accuse(specimen: Specimen, seed: number, count: number): Accusation {
  const { history, circumstances } = runSpecimen(specimen, seed, count);
  const declared = specimen.splits === true ? { falseDenialsAtMost: Number.POSITIVE_INFINITY } : {};
  const report = checkHistory(history, { ...RULES, ...declared });
  return {
    overAdmission: report.overAdmission.buckets > 0,
    falseDenial: specimen.splits !== true && report.falseDenials.buckets > 0,
    replay: report.replay.buckets > 0,
    report,
    isShown: showsDefect(circumstances, specimen.shownBy),
  };
}

/** The codes of the reasons that a report gives, each once. */
export function reasonsOf({ report }: Accusation): string[] {
  return [...new Set((report.reasons ?? []).map(({ reason }) => reason))];
}

export function isConvicted({ overAdmission, falseDenial, replay }: Accusation): boolean {
  return overAdmission || falseDenial || replay;
}

/** Names the checkers that convict. */
export function checkersOf({ overAdmission, falseDenial, replay }: Accusation): string[] {
  return [
    ...(overAdmission ? ['over-admission'] : []),
    ...(falseDenial ? ['false denial'] : []),
    ...(replay ? ['replay'] : []),
  ];
}
