import type { SimulatedHistory } from './history.ts';
import type { Judgement } from './judge.ts';

/** What was judged so far: plain numbers, so that processes can add theirs up. */
export interface Tally {
  histories: number;
  verdicts: Record<string, number>;
  /** Histories in which each feature was. */
  features: Record<string, number>;
  operations: number;
  contested: number;
  /** Histories whose denials, or some of them, were judged. */
  denied: number;
}

export function emptyTally(): Tally {
  return { histories: 0, verdicts: {}, features: {}, operations: 0, contested: 0, denied: 0 };
}

export function count(tally: Tally, { features }: SimulatedHistory, { report }: Judgement): void {
  tally.histories++;
  add(tally.verdicts, report?.verdict ?? 'refused', 1);
  for (const feature of features) add(tally.features, feature, 1);
  if (report === undefined) return;
  const { allowed, denied, failed, info } = report.outcomes;
  tally.operations += allowed + denied + failed + info;
  if (report.contested.buckets > 0) tally.contested++;
  if (report.falseDenials.judged > 0) tally.denied++;
}

function add(counts: Record<string, number>, name: string, number: number): void {
  counts[name] = (counts[name] ?? 0) + number;
}
