import { contestedPlan, DEFECTS } from './defects.ts';
import { accusationsOf, type SimulatedHistory, simulate } from './history.ts';
import { type Judgement, judge, type Program } from './judge.ts';
import { count, emptyTally, type Tally } from './tally.ts';

/** A correct limiter that was accused, or a history that was refused. */
export interface Wrong {
  readonly seed: number;
  readonly reasons: readonly string[];
  readonly history: Pick<SimulatedHistory, 'files' | 'args' | 'promise'>;
}

/** Judges the histories of these seeds, all of correct limiters. */
export async function judgeCorrect(
  program: Program,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<{ readonly tally: Tally; readonly wrong: readonly Wrong[] }> {
  const tally = emptyTally();
  const wrong: Wrong[] = [];
  for (let seed = from; seed <= to; seed++) {
    const history = simulate(seed);
    const judgement = await judge(program, history);
    count(tally, history, judgement);
    const reasons = judgement.refusal === undefined ? accusationsOf(judgement, history) : [judgement.refusal];
    if (reasons.length > 0) {
      const { files, args = [], promise } = history;
      wrong.push({ seed, reasons, history: { files, args, promise } });
    }
  }
  return { tally, wrong };
}

/** A conviction that the program before made and this one does not. */
export interface Lost {
  readonly seed: number;
  readonly before: readonly string[];
  readonly verdict: string;
  /** What this one grants, and why it is not sure. */
  readonly printed: readonly string[];
}

export interface Power {
  readonly defect: string;
  readonly histories: number;
  readonly convicted: number;
  readonly convictedBefore: number;
  readonly gained: number;
  readonly lost: readonly Lost[];
}

/** Judges limiters with one defect each by two programs. */
export async function measurePower(
  { now, before }: { readonly now: Program; readonly before: Program },
  { defect, from, to }: { readonly defect: number; readonly from: number; readonly to: number },
): Promise<Power> {
  const { name, create } = DEFECTS[defect] as (typeof DEFECTS)[number];
  const lost: Lost[] = [];
  let [convicted, convictedBefore, gained] = [0, 0, 0];
  for (let seed = from; seed <= to; seed++) {
    const history = simulate(seed, create, contestedPlan);
    const [mine, theirs] = [await judge(now, history), await judge(before, history)];
    const [reasons, reasonsBefore] = [convictionsIn(mine), convictionsIn(theirs)];
    if (reasons.length > 0) convicted++;
    if (reasonsBefore.length > 0) convictedBefore++;
    if (reasons.length > 0 && reasonsBefore.length === 0) gained++;
    if (reasons.length > 0 || reasonsBefore.length === 0) continue;
    lost.push({
      seed,
      before: reasonsBefore,
      verdict: mine.report?.verdict ?? 'refused',
      printed: printedBy(mine),
    });
  }
  return { defect: name, histories: to - from + 1, convicted, convictedBefore, gained, lost };
}

function convictionsIn({ report }: Judgement): string[] {
  return [...(report?.claims ?? []), ...(report?.accounts ?? [])]
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ reason }) => reason);
}

function printedBy({ report, refusal }: Judgement): string[] {
  if (report === undefined) return [refusal ?? ''];
  const unsure = [...report.claims, ...report.accounts].filter(
    ({ verdict, reason }) => verdict === 'unknown' || reason.includes('not judged'),
  );
  return [...(report.assumptions ?? []), ...unsure.map(({ reason }) => reason)];
}
