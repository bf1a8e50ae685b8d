import type { OperationName, OperationTable } from '../../../src/history/columns/table.ts';
import { Dice } from '../../verdicts/soak/dice.ts';
import { calmPlan, trueExcess } from './excess.ts';
import { writeParts } from './files.ts';
import { type Judged, judgeParts } from './judge.ts';
import { drawLie, type Lying } from './lies.ts';
import { drawPlan, type Plan } from './plan.ts';
import { type Outcome, type Run, runPlan } from './run.ts';

/** A bucket that got tokens from nowhere at one moment. */
export interface PlantedExcess {
  /** In truth, of its worst window. */
  readonly tokens: number;
  /** As much is always seen: two refills of the widest interval, and what is granted for clocks that are not mapped. */
  readonly surelySeen: number;
  readonly isFound: boolean;
}

/** Undefined if the tokens did not exceed what the bucket may admit. */
export function plantExcess(seed: number, change = calmPlan): PlantedExcess | undefined {
  const plan = change(drawPlan(seed));
  const dice = new Dice(seed, 'planted');
  const bucket = dice.below(plan.buckets);
  const hidden = (20 * (plan.latencyUs + plan.readingUs)) / plan.tokenUs;
  const tokens = 1 + Math.floor(dice.next() * dice.pick([10, hidden]));
  const atUs = plan.fromUs + dice.between(0.2, 0.8) * (plan.untilUs - plan.fromUs);
  const run = runPlan(plan, { bucket, atUs, tokens });
  const excess = trueExcess(run, bucket, plan.strategy === 'external' ? 'base' : 'node');
  if (excess.tokens <= 0) return undefined;
  const judged = judgeParts(plan, writeParts(run));
  const { epsilonUs, rhoPpm } = judged.report.clock;
  const grantedUs = epsilonUs + (Math.max(0, rhoPpm) * excess.lengthUs) / 1_000_000;
  const surelySeen = (2 * widestUs(judged.mapped(), bucket) + grantedUs) / plan.tokenUs;
  return { tokens: excess.tokens, surelySeen, isFound: isConvicted(judged) };
}

function isConvicted({ report }: Judged): boolean {
  return report.verdict === 'fail' && report.overAdmission.buckets > 0;
}

/** Of the admissions of a bucket, by the clock on which it is judged. */
function widestUs(table: OperationTable, bucket: number): number {
  return admissionsOf(table, `b${bucket}`).reduce(
    (most, { fromUs, untilUs }) => Math.max(most, untilUs - fromUs),
    0,
  );
}

interface Admission {
  readonly row: number;
  readonly fromUs: number;
  readonly untilUs: number;
  readonly cost: number;
}

function admissionsOf(table: OperationTable, name: string): Admission[] {
  const bucket = Array.from({ length: table.bucketCount }, (_, at) => at).find(
    (at) => table.nameOf(at) === name,
  );
  if (bucket === undefined) return [];
  const [from, until] = [table.starts[bucket] as number, table.starts[bucket + 1] as number];
  return Array.from({ length: until - from }, (_, at) => from + at)
    .filter((row) => table.outcomeOf(row) === 'allowed')
    .map((row) => ({
      row,
      fromUs: table.invokedUs[row] as number,
      untilUs: table.lastUs(row),
      cost: table.costTokens[row] as number,
    }));
}

/** The printed headroom of a bucket, by the checker and by its definition, and whether one token more is found. */
export interface HeadroomTried {
  readonly printed: number;
  readonly byDefinition: number;
  readonly isFoundBelow: boolean;
  readonly isFoundAbove: boolean;
}

/** More would make a history of its own. */
const MOST_HEADROOM = 300;

/** Adds tokens in the tightest window of a bucket: as many as its headroom, and one more. Undefined without a headroom. */
export function tryHeadroom(seed: number, change = calmPlan): HeadroomTried | undefined {
  const plan = change(drawPlan(seed));
  const run = runPlan(plan);
  const judged = judgeParts(plan, writeParts(run));
  const { headroom, overAdmission } = judged.report;
  if (headroom === undefined || overAdmission.buckets > 0) return undefined;
  const { bucket, tokens: printed } = headroom.largest;
  if (printed > MOST_HEADROOM) return undefined;
  const tightest = tightestWindow(judged, plan, bucket);
  if (tightest === undefined) return undefined;
  const { last, tokens: byDefinition, burst } = tightest;
  if (byDefinition > burst) return undefined; // a window without admissions is tighter
  const like = judged.mapped().operationOf(last.row);
  const tried = (more: number) => isConvicted(judgeParts(plan, writeParts(withMore(run, { like, more }))));
  const most = Math.floor(printed - 1e-6);
  return {
    printed,
    byDefinition,
    isFoundBelow: most > 0 && tried(most),
    isFoundAbove: tried(Math.floor(printed + 1e-6) + 1),
  };
}

/** The window with the least difference between what it allows and what it has, and the operation that ends it. */
function tightestWindow(
  judged: Judged,
  { capacity, tokenUs }: Plan,
  bucket: string,
): { readonly last: Admission; readonly tokens: number; readonly burst: number } | undefined {
  const { epsilonUs, rhoPpm } = judged.report.clock;
  const all = admissionsOf(judged.mapped(), bucket).sort((a, b) => a.untilUs - b.untilUs);
  let best: { last: Admission; tokens: number; burst: number } | undefined;
  const burst = capacity + epsilonUs / tokenUs;
  for (const first of all) {
    let admitted = 0;
    for (const last of all) {
      if (last.fromUs < first.fromUs) continue;
      admitted += last.cost;
      const lengthUs = (last.untilUs - first.fromUs) * (1 + rhoPpm / 1_000_000);
      const tokens = burst + lengthUs / tokenUs - admitted;
      if (best === undefined || tokens < best.tokens) best = { last, tokens, burst };
    }
  }
  return best;
}

/** Another `more` admissions of one token, each as one that is there. */
function withMore(run: Run, { like, more }: { readonly like: OperationName; readonly more: number }): Run {
  const at = placeOf(run, like);
  const outcome = run.outcomes[at] as Outcome;
  const { answer: _, ...told } = outcome;
  const extra: Outcome = { ...told, request: { ...outcome.request, cost: 1 } };
  return {
    ...run,
    outcomes: [
      ...run.outcomes.slice(0, at + 1),
      ...Array.from({ length: more }, () => extra),
      ...run.outcomes.slice(at + 1),
    ],
  };
}

function placeOf({ outcomes }: Run, { file, index }: OperationName): number {
  const part = Number(/\d+/.exec(file)?.[0]);
  const own = outcomes.filter(({ request }) => request.part === part);
  const written = own.toSorted((a, b) => a.request.repliedUs - b.request.repliedUs);
  return outcomes.indexOf(written[index] as Outcome);
}

/** Readings that lie, and what was said of them. */
export interface Lied {
  readonly kind: Lying['kind'];
  /** Whether no honest clocks can have been read so. */
  readonly isCertain: boolean;
  readonly verdict: string;
  /** Of the same history with honest readings. */
  readonly honest: string;
}

/** Undefined where one machine reads alone. */
export function tellLies(seed: number): Lied | undefined {
  const honest = calmPlan(drawPlan(seed));
  const lying = drawLie(honest);
  if (lying === undefined) return undefined;
  const { kind, plan, lie } = lying;
  const written = writeParts(runPlan(plan), lie);
  const verdict = judgeParts(plan, written).report.verdict;
  const honestly = judgeParts(honest, writeParts(runPlan(honest))).report.verdict;
  return { kind, isCertain: lying.isCertain(written.readings), verdict, honest: honestly };
}
