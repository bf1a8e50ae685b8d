import { writeParts } from './files.ts';
import { accusationsOf, isWhole, type Judged, judgeParts } from './judge.ts';
import { drawPlan, type Plan } from './plan.ts';
import { type Run, runPlan } from './run.ts';

/** What was judged so far: plain numbers, so that slices add up. */
export interface Tally {
  histories: number;
  requests: number;
  /** Histories with a bucket that was drained and denied. */
  contested: number;
  /** Of which all parts are there. */
  whole: number;
  judgedDenials: number;
  replayed: number;
  readonly verdicts: Record<string, number>;
  /** Histories in which each feature was. */
  readonly features: Record<string, number>;
}

export interface Wrong {
  readonly seed: number;
  readonly reasons: readonly string[];
}

export function emptyTally(): Tally {
  const counts = { histories: 0, requests: 0, contested: 0, whole: 0, judgedDenials: 0, replayed: 0 };
  return { ...counts, verdicts: {}, features: {} };
}

/** Judges the histories of these seeds, all of correct limiters and honest readings. */
export function judgeSeeds(
  { from, to }: { readonly from: number; readonly to: number },
  tally: Tally,
): Wrong[] {
  const wrong: Wrong[] = [];
  for (let seed = from; seed <= to; seed++) {
    const reasons = judgeSeed(seed, tally);
    if (reasons.length > 0) wrong.push({ seed, reasons });
  }
  return wrong;
}

function judgeSeed(seed: number, tally: Tally): string[] {
  const plan = drawPlan(seed);
  const run = runPlan(plan);
  tally.histories++;
  tally.requests += run.outcomes.length;
  for (const feature of featuresOf(run)) count(tally.features, feature);
  let judged: Judged;
  try {
    judged = judgeParts(plan, writeParts(run));
  } catch (error) {
    return [`refused: ${error instanceof Error ? error.message : String(error)}`];
  }
  const { report } = judged;
  count(tally.verdicts, report.verdict);
  if (report.contested.buckets > 0) tally.contested++;
  if (isWhole(plan)) tally.whole++;
  tally.judgedDenials += report.falseDenials.judged;
  tally.replayed += report.replay.replayed;
  return accusationsOf(run, judged);
}

function featuresOf({ plan, outcomes }: Run): Set<string> {
  const { parts, machines, nodes, shards, strategy, hasLevels, hasOtherRun } = plan;
  const names = new Set(parts.map(({ name }) => name));
  const jumps = nodes.flatMap(({ clock }) => clock.jumps);
  return new Set(
    [
      strategy,
      `parts: ${names.size}`,
      `machines with parts: ${new Set(parts.map(({ machine }) => machine)).size}`,
      plan.base < parts.length && parts.some(({ machine }) => machine === plan.base)
        ? 'the clock endpoint is on a machine of a part'
        : 'the clock endpoint is on a machine of its own',
      ...(hasLevels ? ['levels'] : []),
      ...(plan.pauseUs > 0 ? ['a long pause'] : []),
      ...(hasOtherRun ? ['a file of another run'] : []),
      ...(parts.length > names.size ? ['a part that ran twice'] : []),
      ...parts.filter(({ fate }) => fate !== 'whole').map(({ fate }) => `a part ${fate}`),
      ...jumps.map(({ byUs }) => stepOf(byUs, plan)),
      ...shards.flatMap(({ failoversUs, lostUs }) => [
        ...(failoversUs.length > 0 ? ['failovers'] : []),
        ...(lostUs > 0 && failoversUs.length > 0 ? ['failovers that lose state'] : []),
      ]),
      ...(shards.length > 1 ? ['several shards'] : []),
      ...(machines.some(({ pingEveryUs }) => !Number.isFinite(pingEveryUs))
        ? ['a machine without pings']
        : []),
      ...(machines.some(({ timeEveryUs }) => !Number.isFinite(timeEveryUs))
        ? ['a machine without TIME']
        : []),
      ...outcomes.map(({ outcome, source }) => (source === undefined ? outcome : `${source} ${outcome}`)),
      ...outcomes.map(({ request: { fate, cost } }) =>
        fate === 'reset' ? 'resets' : cost < 0 ? 'refunds' : '',
      ),
      ...outcomes.map(({ answer }) => (answer?.isRepeated === true ? 'repeated answers' : '')),
    ].filter((text) => text !== ''),
  );
}

/** Whether the errors of the readings may hide it. */
function stepOf(byUs: number, { readingUs }: Plan): string {
  const size = Math.abs(byUs) <= 2 * readingUs ? 'a step within the errors of readings' : 'a step';
  return `${size} ${byUs < 0 ? 'back' : 'ahead'}`;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
