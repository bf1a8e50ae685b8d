import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { Header, HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { Dice } from './dice.ts';
import type { Attempt } from './requests.ts';
import type { Answer, Run } from './run.ts';

/** A file as it is handed to the reader. */
export interface LogFile {
  readonly name: string;
  readonly text: string;
}

export interface Line {
  /** When it was written. */
  readonly writtenUs: number;
  readonly record: HistoryRecord;
  /** Of the limiter's clock, which it tells. */
  readonly stretch?: string | undefined;
}

export interface Written {
  readonly files: readonly LogFile[];
  /** The records of the limiter's clocks. */
  readonly stretches: ReadonlySet<string>;
  /** When the last line was written. */
  readonly untilUs: number;
}

/** Writes a run as our recorder would, and then does to the files what the plan says. */
export function writeOwn(run: Run, seen: Set<string>): Written {
  const dice = new Dice(run.plan.seed, 'recording');
  const { files: count, starts, isStopped } = run.plan.recording;
  const stopUs = isStopped ? run.lastUs * dice.between(0.5, 1) : Number.POSITIVE_INFINITY;
  const isWhole = starts === 'full';
  const startUs = isWhole ? Number.NEGATIVE_INFINITY : run.lastUs * dice.between(0, 0.5);
  if (isStopped) seen.add('stopped with requests in flight');
  if (!isWhole) seen.add('begins in mid-traffic');
  const recorded = recordedOf(run, { startUs, stopUs }, seen);
  if (count === 2) seen.add('two files');
  const stretches = new Set<string>();
  let untilUs = 0;
  const files = Array.from({ length: count }, (_, file) => {
    const lines = recorded.filter(({ region }) => count === 1 || region % 2 === file);
    const more = file === 0 ? sideLines(run, dice, { startUs, stopUs }, seen) : [];
    const { kept, ...written } = writeFile(run, dice, { file, lines: [...lines, ...more] }, seen);
    for (const { stretch, writtenUs } of kept) {
      if (stretch !== undefined) stretches.add(stretch);
      untilUs = Math.max(untilUs, writtenUs);
    }
    return written;
  });
  return { files, stretches, untilUs };
}

/** Operations of the requests that the recorder saw, with the region that sent them. */
function recordedOf(
  { plan, attempts, answers, clocks }: Run,
  { startUs, stopUs }: { startUs: number; stopUs: number },
  seen: Set<string>,
): (Line & { readonly region: number })[] {
  const sent = attempts.filter(({ invokedUs }) => invokedUs <= stopUs);
  const lines = sent.map((attempt) => {
    const isOpen = attempt.repliedUs > stopUs;
    const answer = answers.get(attempt);
    const record = operationOf(attempt, isOpen ? undefined : answer, plan, seen);
    const writtenUs = Math.min(attempt.repliedUs, stopUs);
    const decidedUs = attempt.decidedUs[attempt.answered];
    const isTold = record.decision?.atUs !== undefined && answer !== undefined && decidedUs !== undefined;
    const stretch = isTold
      ? clocks.toldStretch(answer.node, attempt.invokedUs, attempt.repliedUs)
      : undefined;
    return { attempt, writtenUs, record, stretch, region: attempt.region };
  });
  // A history has what can still take effect after its start, and all attempts of a decision.
  const isLate = ({ attempt, record: { completedUs, latestUs } }: (typeof lines)[number]) =>
    (completedUs ?? latestUs ?? Number.POSITIVE_INFINITY) - plan.originUs >= startUs ||
    attempt.decidedUs.some((us) => us >= startUs);
  const nameOf = ({ record: { decisionId, cost } }: (typeof lines)[number]) =>
    decisionId === undefined ? undefined : `${cost < 0 ? 'refund' : 'take'} ${decisionId}`;
  const late = new Set(lines.filter(isLate).map(nameOf));
  return lines.filter((line) => isLate(line) || (nameOf(line) !== undefined && late.has(nameOf(line))));
}

/** `answer` is absent where none was heard. */
function operationOf(
  attempt: Attempt,
  answer: Answer | undefined,
  plan: Run['plan'],
  seen: Set<string>,
): Operation {
  const { originUs, policies } = plan;
  const { parts, region, invokedUs, decidedUs, repliedUs, fate, decisionId } = attempt;
  const [{ bucket, policy, cost }] = parts as [Attempt['parts'][number]];
  const outcome = outcomeOf(attempt, answer);
  const lastUs = decidedUs.reduce(
    (last, us) => Math.max(last, us),
    fate === 'answered' ? repliedUs : invokedUs,
  );
  const isDouble = decidedUs.length > 1;
  note({ attempt, outcome, cost, decisionId, isDouble, isRepeated: answer?.isRepeated === true }, seen);
  const hasPolicies = policies.length > 1;
  const maxCharge = readMaxCharge(attempt, outcome);
  return {
    type: 'op',
    index: 0,
    bucket: parts.length > 1 ? '' : bucket,
    user: bucket,
    region: `r${region}`,
    process: 0,
    cost,
    invokedUs: originUs + Math.floor(invokedUs),
    completedUs: outcome === 'info' ? null : originUs + Math.ceil(repliedUs),
    outcome,
    ...(hasPolicies ? { policy: `p${policy}` } : {}),
    ...(parts.length > 1
      ? {
          charges: parts.map((part) => ({ bucket: part.bucket, policy: `p${part.policy}`, cost: part.cost })),
        }
      : {}),
    ...(maxCharge === undefined ? {} : { maxCharge }),
    ...(attempt.isLastKnown && outcome !== 'failed' && fate !== 'fallback'
      ? { latestUs: originUs + Math.ceil(lastUs) }
      : {}),
    ...(decisionId === undefined ? {} : { decisionId }),
    ...evidenceOf(attempt, { answer, plan, outcome }),
  };
}

function outcomeOf({ fate, fallbackAllows }: Attempt, answer: Answer | undefined): Operation['outcome'] {
  if (fate === 'failed') return 'failed';
  if (fate === 'fallback') return fallbackAllows ? 'allowed' : 'denied';
  if (fate === 'lost' || answer === undefined) return 'info';
  return answer.isAllowed ? 'allowed' : 'denied';
}

/** What a failure policy decided may be charged beside it; the recorder says so, and where not it goes without saying. */
function readMaxCharge(attempt: Attempt, outcome: Operation['outcome']): number | undefined {
  const { fate, charge, isLastKnown, decidedUs } = attempt;
  const cost = Math.max(...attempt.parts.map((part) => part.cost));
  if (decidedUs.length > 1) return 2 * cost;
  if (fate !== 'fallback' || charge === 'none' || isLastKnown) return undefined;
  return (outcome === 'allowed' ? 2 : 1) * cost;
}

function evidenceOf(
  { fate, charge }: Attempt,
  { answer, plan, outcome }: { answer: Answer | undefined; plan: Run['plan']; outcome: Operation['outcome'] },
): Pick<Operation, 'decision'> {
  if (fate === 'fallback') {
    const decision = { strategy: 'central', node: 'none', source: 'fallback' as const };
    return { decision: { ...decision, ...(charge === undefined ? {} : { charge }) } };
  }
  const tells = plan.hasLevels || plan.clock.kind === 'told';
  if (!tells || answer === undefined || (outcome !== 'allowed' && outcome !== 'denied')) return {};
  const { level, atUs, node } = answer;
  const levels = plan.hasLevels && level !== undefined ? level : {};
  return { decision: { strategy: 'central', node: `n${node}`, source: 'redis', atUs, ...levels } };
}

function note(
  {
    attempt: { parts, fate, decidedUs },
    outcome,
    cost,
    decisionId,
    isDouble,
    isRepeated,
  }: {
    attempt: Attempt;
    outcome: Operation['outcome'];
    cost: number;
    decisionId: string | undefined;
    isDouble: boolean;
    isRepeated: boolean;
  },
  seen: Set<string>,
): void {
  if (outcome === 'info') seen.add('info');
  if (outcome === 'failed') seen.add('failed');
  if (cost < 0) seen.add('refunds');
  if (cost === 0) seen.add('a cost of 0');
  if (cost > 1) seen.add('costs');
  if (parts.length > 1) seen.add('several charges');
  if (decisionId !== undefined) seen.add('decision ids');
  if (isRepeated) seen.add('repeated answers');
  if (isDouble) seen.add('maxCharge');
  if (fate === 'fallback') seen.add(`fallback ${outcome}`);
  if (fate === 'fallback' && decidedUs.length > 0) seen.add('fallback charged late');
}

/** Readings of clocks, and resets. */
function sideLines(
  { plan, clocks, resets, lastUs }: Run,
  dice: Dice,
  { startUs, stopUs }: { startUs: number; stopUs: number },
  seen: Set<string>,
): Line[] {
  const untilUs = Math.min(lastUs * 1.2 + 1_000, stopUs);
  const readings = clocks.readings(dice, untilUs, dice.pick([5, 20, 100]));
  // A reset has no end in the history: what can still take effect after its start is in it.
  const events = resets.flatMap(({ bucket, askedUs, doneUs }): Line[] => {
    if (doneUs < startUs || askedUs > stopUs) return [];
    const args = bucket === undefined ? {} : { args: { bucket } };
    const atUs = plan.originUs + Math.floor(askedUs);
    return [{ writtenUs: askedUs, record: { type: 'event', event: 'reset', atUs, ...args } }];
  });
  if (events.length > 0) seen.add('resets');
  const read = readings.map(({ reading, stretch }) => {
    return { writtenUs: reading.atUs - plan.originUs, record: reading, stretch };
  });
  return [...read.filter(({ writtenUs }) => writtenUs >= startUs && writtenUs <= stopUs), ...events];
}

function writeFile(
  { plan }: Run,
  dice: Dice,
  { file, lines }: { file: number; lines: readonly Line[] },
  seen: Set<string>,
): LogFile & { readonly kept: readonly Line[] } {
  const { cut, isShuffled, starts, files } = plan.recording;
  const sorted = lines.toSorted((a, b) => a.writtenUs - b.writtenUs);
  const isCut = cut !== 'nowhere' && (files === 1 || dice.chance(0.5));
  const kept = isCut ? sorted.slice(0, 1 + dice.below(sorted.length)) : sorted;
  const broken = isCut && cut === 'in a line' ? kept.pop() : undefined; // the last one written, not any
  const shown = isShuffled ? dice.shuffle(kept) : kept;
  let index = 0;
  const records = [...shown, ...(broken === undefined ? [] : [broken])].map(({ record }) =>
    encodeRecord(record.type === 'op' ? { ...record, index: index++ } : record),
  );
  if (isShuffled) seen.add('shuffled lines');
  const name = `file-${file}.ndjson`;
  const head = encodeRecord(headerOf(plan, starts === 'full' ? 'full' : 'unknown'));
  if (!isCut) {
    const end = encodeRecord({ type: 'end', atUs: 0, sent: index });
    return { name, text: head + records.join('') + end, kept };
  }
  seen.add(`cut ${cut}`);
  const last = broken === undefined ? '' : (records.pop() ?? '');
  return { name, text: head + records.join('') + last.slice(0, dice.below(last.length)), kept };
}

function headerOf({ policies, clock }: Run['plan'], initial: Header['initial']): Header {
  const written = policies.map(({ capacityTokens, refill }) => ({ capacity: capacityTokens, refill }));
  const [policy] = written as [(typeof written)[0]];
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    ...(written.length > 1
      ? { policies: Object.fromEntries(written.map((one, at) => [`p${at}`, one])) }
      : { policy }),
    strategy: 'central',
    scenario: '',
    seed: 0,
    regions: [],
    startedAt: '',
    initial,
    ...(clock.kind === 'one' ? {} : { clocks: 'apart' as const }),
  };
}
