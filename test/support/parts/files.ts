import { createHash } from 'node:crypto';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { Dice } from '../../verdicts/soak/dice.ts';
import type { Clock } from './clocks.ts';
import type { Plan, PlannedPart } from './plan.ts';
import { drawReadings, type Reading } from './readings.ts';
import type { Outcome, Run } from './run.ts';

/** A file of a run, as `load` writes it. */
export interface PartFile {
  readonly name: string;
  readonly text: string;
  /** It is of another run. */
  readonly isOther: boolean;
}

/** What its records say of true time. */
export interface Written {
  readonly files: readonly PartFile[];
  /** The readings in the files that count, by machine. */
  readonly readings: readonly { readonly machine: number; readonly reading: Reading }[];
}

const RUN = 'random-1';

/** Changes the readings of a machine: how a test lets them lie. */
export type Lie = (reading: Reading, machine: number) => Reading['record'];

/** Writes the parts of a run, and does to their files what the plan says. */
export function writeParts(run: Run, lie: Lie = ({ record }) => record): Written {
  const { plan } = run;
  const dice = new Dice(plan.seed, 'files');
  const readings = plan.machines.map((_, machine) =>
    drawReadings(dice, plan, machine).map((reading) => ({ ...reading, record: lie(reading, machine) })),
  );
  const files = plan.parts.flatMap((part, at): PartFile[] => {
    if (part.fate === 'missing') return [];
    // Parts of one machine share its readings: each of them has some, and all of them have all.
    const sharing = plan.parts.filter(({ machine }) => machine === part.machine);
    const own = (readings[part.machine] as Reading[]).filter(
      (_, index) => index % sharing.length === sharing.indexOf(part),
    );
    const lines = linesOf(run, { part, at, readings: own });
    const name = `part-${at}.ndjson`;
    const text = textOf(dice, part, lines);
    const file = { name, text, isOther: false };
    return part.fate === 'copied' ? [file, { ...file, name: `copy-${name}` }] : [file];
  });
  const other = plan.hasOtherRun ? [otherRun(run)] : [];
  const shown = dice.shuffle([...files, ...other]);
  // The first file says which run it is.
  const first = shown.findIndex((file) => file !== other[0]);
  if (first > 0) [shown[0], shown[first]] = [shown[first] as PartFile, shown[0] as PartFile];
  return {
    files: shown,
    readings: readings.flatMap((all, machine) => all.map((reading) => ({ machine, reading }))),
  };
}

interface Lines {
  readonly lines: readonly string[];
  readonly sent: number;
  readonly untilUs: number;
}

function linesOf(
  { plan, outcomes }: Run,
  {
    part,
    at,
    readings,
    plan: digest = plan.seed,
  }: { part: PlannedPart; at: number; readings: readonly Reading[]; plan?: number },
): Lines {
  const { clock } = plan.machines[part.machine] as Plan['machines'][number];
  const own = outcomes.filter(({ request }) => request.part === at);
  const events = roleEvents(plan, part, clock);
  const written: { us: number; record: HistoryRecord }[] = [
    ...own.map((outcome) => ({ us: outcome.request.repliedUs, record: recordOf(plan, part, outcome) })),
    ...readings.map(({ record, gotUs }) => ({ us: gotUs, record })),
    ...events,
  ].sort((a, b) => a.us - b.us);
  let sent = 0;
  const lines = written.map(({ record }) =>
    encodeRecord(record.type === 'op' ? { ...record, index: sent++ } : record),
  );
  return {
    lines: [encodeHeader(plan, part, digest), ...lines],
    sent,
    untilUs: clock.showsUpUs(plan.lengthUs),
  };
}

function encodeHeader(plan: Plan, { name, machine }: PlannedPart, digest: number): string {
  const { strategy, capacity, refill, seed, parts, machines } = plan;
  const isRead = machines.some(({ timeEveryUs }) => Number.isFinite(timeEveryUs));
  return encodeRecord({
    ...{ type: 'header', format: 'openclaw-history', version: 1, policy: { capacity, refill }, strategy },
    ...{ scenario: 'random', seed, regions: [...new Set(parts.map(({ region }) => region))], startedAt: '' },
    initial: 'full',
    ...(strategy === 'external' && !isRead && { clocks: 'apart' }),
    part: {
      ...{ run: digest === seed ? RUN : 'random-0', plan: sha256(`plan ${digest}`), name },
      of: [...new Set(parts.map((one) => one.name))],
      machine: machines[machine]?.id ?? '',
    },
  });
}

/** Roles as the first part of a node's region sees them: some time after the change. */
function roleEvents(plan: Plan, part: PlannedPart, clock: Clock): { us: number; record: HistoryRecord }[] {
  const regions = [...new Set(plan.parts.map(({ region }) => region))];
  const watches = (node: number) =>
    plan.parts.find(({ region, fate }) => region === regions[node % regions.length] && fate !== 'missing') ===
    part;
  return plan.shards.flatMap(({ nodes, failoversUs }) =>
    failoversUs.flatMap((us, at) => {
      const [old, next] = [nodes[at % nodes.length] as number, nodes[(at + 1) % nodes.length] as number];
      const seen = (node: number, from: string, to: string, late: number) => {
        const seenUs = us + plan.lengthUs * 0.005 * late;
        const args = { from, to, slots: to === 'primary' ? '0-16383' : '' };
        const atUs = clock.showsUs(seenUs);
        const record = {
          type: 'event',
          event: 'role',
          node: plan.nodes[node]?.name ?? '',
          atUs,
          args,
        } as const;
        return watches(node) ? [{ us: seenUs, record }] : [];
      };
      return [
        ...seen(next, 'replica', 'primary', ((at * 7) % 10) / 10),
        ...seen(old, 'primary', 'replica', ((at * 3) % 10) / 10),
      ];
    }),
  );
}

function recordOf(plan: Plan, part: PlannedPart, outcome: Outcome): HistoryRecord {
  const { request } = outcome;
  const { clock } = plan.machines[part.machine] as Plan['machines'][number];
  const bucket = `b${request.bucket}`;
  if (request.fate === 'reset')
    return { type: 'event', event: 'reset', atUs: clock.showsUs(request.sentUs), args: { bucket } };
  const isInfo = outcome.outcome === 'info';
  const hasEnd = isInfo && request.bucket % 2 === 0;
  return {
    ...{ type: 'op', index: 0, bucket, user: bucket, region: part.region, process: 0, cost: request.cost },
    invokedUs: clock.showsUs(request.sentUs),
    completedUs: isInfo ? null : clock.showsUpUs(request.repliedUs),
    outcome: outcome.outcome,
    ...(hasEnd && { latestUs: clock.showsUpUs(request.repliedUs) }),
    ...(request.decisionId !== undefined && { decisionId: request.decisionId }),
    ...(!isInfo && evidenceOf(plan, outcome)),
  };
}

function evidenceOf(plan: Plan, { source, node, answer }: Outcome): Pick<Operation, 'decision'> {
  const { strategy, hasLevels, nodes } = plan;
  if (source === undefined) return {};
  if (source === 'fallback') return { decision: { strategy, node: 'none', source, charge: 'none' } };
  const named = { strategy, node: node === undefined ? '' : (nodes[node]?.name ?? ''), source };
  if (answer === undefined) return { decision: named };
  const levels = hasLevels ? { levelQuanta: answer.level, bucketUs: answer.bucketUs } : {};
  return { decision: { ...named, atUs: answer.atUs, ...levels } };
}

function closed({ lines, sent, untilUs }: Lines): string {
  const text = lines.join('');
  return text + encodeRecord({ type: 'end', atUs: untilUs, sent, digest: sha256(text) });
}

function textOf(dice: Dice, { fate }: PlannedPart, lines: Lines): string {
  if (fate === 'cut short') return cut(dice, lines);
  const text = closed(lines);
  return fate === 'altered' ? text.replace('"seed":', '"seed":1') : text;
}

/** Between two lines, or in one. */
function cut(dice: Dice, { lines }: Lines): string {
  const kept = lines.slice(0, 1 + dice.below(lines.length));
  const last = kept.length > 1 && dice.chance(0.5) ? (kept.pop() as string) : '';
  return kept.join('') + last.slice(0, dice.below(last.length));
}

/** A file of another run with the same parts. */
function otherRun(run: Run): PartFile {
  const [part] = run.plan.parts as [PlannedPart];
  const lines = linesOf(run, { part, at: 0, readings: [], plan: run.plan.seed + 1 });
  return { name: 'other.ndjson', text: closed(lines), isOther: true };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
