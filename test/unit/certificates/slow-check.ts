import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type {
  ClockReading,
  Event,
  Header,
  HistoryRecord,
  Operation,
} from '../../../src/history/records/operation.ts';

export type Proof = Extract<CertificateRecord, { readonly type: 'proof' }>;
/** The clock of a history with one recorder. */
export type Clock = Extract<CertificateRecord, { readonly type: 'clock'; readonly points: unknown }>;

/** What a proof may have in its order: under `code`, one charge or one denial. Moments of the recorder. */
interface Entry {
  readonly code: number;
  readonly cost: number;
  readonly answer: 'allowed' | 'denied';
  readonly fromUs: number;
  readonly untilUs: number;
  /** Whether every proof has it. */
  readonly isCertain: boolean;
  /** What the clock of its node showed, by its reply. */
  readonly reported?: { readonly us: number; readonly node: string } | undefined;
}

/** An entry at its moment, of the proof's clock. */
type Placed = Entry & { readonly atUs: number };

/** The records of all files of a history, one file after the other. */
export function makeSlowCheck(records: readonly HistoryRecord[]) {
  const operations = records.filter((record) => record.type === 'op');
  const headers = records.filter((record) => record.type === 'header');
  const readings = records.filter((record) => record.type === 'clock' && record.source === undefined);
  const read = new Set((readings as ClockReading[]).map(({ node }) => node));
  const resets = records.filter((record) => record.type === 'event' && record.event === 'reset');
  return {
    /** Which records of a certificate without declared false denials are right: of each bucket at most one, the first. */
    rightProofs(certificate: readonly CertificateRecord[]): Proof[] {
      const clocks = new Map<number, Clock>();
      const buckets = new Set<string>();
      return certificate.filter((record) => {
        if (record.type === 'clock' && 'points' in record && isClock(record, readings as ClockReading[]))
          clocks.set(record.clock, record);
        if (record.type !== 'proof' || buckets.has(record.bucket)) return false;
        buckets.add(record.bucket);
        const own = operations.filter(({ bucket }) => bucket === record.bucket);
        const ownResets = (resets as Event[]).filter(
          ({ args }) => (args?.bucket ?? record.bucket) === record.bucket,
        );
        const clock = clocks.get(record.clock);
        return (
          isWellFormed(record) &&
          own.length > 0 &&
          clock !== undefined &&
          (record.proves === 'all' || own.some(({ decision }) => decision?.source === 'fallback')) &&
          isRight(record, { clock, headers, entries: entriesOf(own, ownResets), read })
        );
      }) as Proof[];
    },
  };
}

/** Whether a proof has the fields of a proof, and whole numbers. */
function isWellFormed(proof: Proof): boolean {
  const { type, bucket, policy, proves, clock, order, momentsUs, start, ...others } = proof;
  const numbers = [...order, ...momentsUs, ...(start ?? [])];
  return Object.keys(others).length === 0 && numbers.every(Number.isSafeInteger);
}

/**
 * Whether a clock drifts slowly, and agrees with every reading of its nodes. That of no node is the recorder's; that of nodes
 * without a reading does not drift.
 */
function isClock({ nodes, points }: Clock, readings: readonly ClockReading[]): boolean {
  const own = readings.filter(({ node }) => nodes.includes(node));
  const agrees = () =>
    own.every(({ atUs, serverUs, errorUs }) => Math.abs(shown(points, atUs) - serverUs) <= errorUs + 1);
  return (
    points.length > 0 &&
    isSlow(points) &&
    agrees() &&
    (own.length > 0 || isConstant(points)) &&
    (nodes.length > 0 || points.every(([, offsetUs]) => offsetUs === 0))
  );
}

export function isConstant(points: Points): boolean {
  return points.every(([, offsetUs]) => offsetUs === points[0]?.[1]);
}

/**
 * Whether a proof may use its clock: one of no node that was read, one of all that were, or one of which a node decided an
 * operation of the proof, if all operations that report a moment are at that moment.
 */
function mayUse({ nodes }: Clock, placed: readonly Placed[], read: ReadonlySet<string>): boolean {
  const own = [...read].filter((node) => nodes.includes(node));
  if (own.length === 0 || own.length === read.size) return true;
  const all = placed.flatMap(({ reported, atUs }) => (reported === undefined ? [] : [{ ...reported, atUs }]));
  return all.every(({ us, atUs }) => us === atUs) && all.some(({ node }) => nodes.includes(node));
}

export type Points = Clock['points'];

/** Whether an offset changes by at most 1,000 ppm. */
export function isSlow(points: Points): boolean {
  return points.slice(1).every(([us, offsetUs], at) => {
    const [lastUs, lastOffsetUs] = points[at] as readonly [number, number];
    return us >= lastUs && Math.abs(offsetUs - lastOffsetUs) * 1_000 <= us - lastUs;
  });
}

/** What a clock shows at a moment of the recorder, rounded down. */
export function shown(points: Points, us: number): number {
  const [firstUs, firstOffsetUs] = points[0] as readonly [number, number];
  const [lastUs, lastOffsetUs] = points.at(-1) as readonly [number, number];
  if (us <= firstUs) return us + firstOffsetUs;
  if (us >= lastUs) return us + lastOffsetUs;
  const after = points.findIndex(([pointUs]) => pointUs > us);
  const [[fromUs, from], [untilUs, until]] = points.slice(after - 1) as [[number, number], [number, number]];
  return us + from + Math.floor(((until - from) * (us - fromUs)) / (untilUs - fromUs));
}

/**
 * Whether an ideal bucket gives the answers of a proof, found in another way than the verifier: the level before an
 * operation is the least over all earlier moments at which the bucket can have been full,
 *   min over i of C + r(t - t_i) - (what was taken from i on),
 * and the first level plus all refill minus all that was taken. What a refund gives back counts as taken below 0.
 */
function isRight(
  proof: Proof,
  {
    clock,
    headers,
    entries,
    read,
  }: {
    clock: Clock;
    headers: readonly Header[];
    entries: readonly Entry[];
    read: ReadonlySet<string>;
  },
): boolean {
  const { capacity = 0, refill = { tokens: 1, perUs: 1 } } = headers[0]?.policy ?? {};
  const { perUs: perToken, tokens: perUs } = refill;
  const full = capacity * perToken;
  const [level, of] = proof.start ?? [1, 1];
  const start = Math.trunc((full * level) / of);
  const isKnown = headers.every(({ initial }) => initial === 'full');
  if (level < 0 || start > full || (start !== full && isKnown)) return false;
  const placed = place(proof, entries);
  if (placed === undefined || !mayUse(clock, placed, read)) return false;
  const codes = new Set(placed.map(({ code }) => code));
  if (codes.size < placed.length) return false;
  for (const [at, { atUs, fromUs, untilUs, answer, cost }] of placed.entries()) {
    if (atUs < (placed[at - 1]?.atUs ?? atUs)) return false;
    if (atUs < shown(clock.points, fromUs) || atUs > shown(clock.points, untilUs)) return false;
    const refilled = (from: number) => perUs * (atUs - (placed[from]?.atUs ?? 0));
    const taken = (from: number) =>
      placed
        .slice(from, at)
        .reduce((sum, one) => sum + (one.answer === 'allowed' ? one.cost * perToken : 0), 0);
    const levels = placed.slice(0, at + 1).map((_, from) => full + refilled(from) - taken(from));
    const level = Math.min(start + refilled(0) - taken(0), ...levels);
    if (level >= cost * perToken !== (answer === 'allowed')) return false;
  }
  return entries.every(
    ({ code, answer, isCertain }) =>
      !isCertain || codes.has(code) || (answer === 'denied' && proof.proves === 'admissions'),
  );
}

/** The entries of a proof in its order; undefined if it has one that is none of the bucket. */
function place({ order, momentsUs }: Proof, entries: readonly Entry[]): Placed[] | undefined {
  if (order.length !== momentsUs.length) return undefined;
  const sum = (steps: readonly number[], at: number) => steps.slice(0, at + 1).reduce((a, b) => a + b, 0);
  const placed = order.flatMap((_, at) => {
    const entry = entries.find(({ code }) => code === sum(order, at));
    return entry === undefined ? [] : [{ ...entry, atUs: sum(momentsUs, at) }];
  });
  return placed.length === order.length ? placed : undefined;
}

/** What the operations of one bucket may charge, and what they were denied; then its resets. */
function entriesOf(operations: readonly Operation[], resets: readonly Event[]): Entry[] {
  const decisions = new Map<string, Numbered[]>();
  for (const [number, operation] of operations.entries()) {
    const { decisionId, cost } = operation; // a take and its refund may share an id
    const decision = decisionId === undefined ? `${number}` : `${decisionId}, ${Math.sign(cost)}`;
    decisions.set(decision, [...(decisions.get(decision) ?? []), [number, operation]]);
  }
  return [
    ...[...decisions.values()].flatMap((attempts) =>
      attempts.length === 1 ? attempts.flatMap(ofOne) : ofSeveral(attempts),
    ),
    ...resets.map(({ atUs }, number) => ({
      ...{
        code: 2 * (operations.length + number),
        cost: Number.NEGATIVE_INFINITY,
        answer: 'allowed' as const,
      },
      ...{ fromUs: Math.ceil(atUs), untilUs: Number.POSITIVE_INFINITY, isCertain: true },
    })),
  ];
}

type Numbered = readonly [number: number, operation: Operation];

function ofOne([number, operation]: Numbered): Entry[] {
  const { outcome, cost, invokedUs, latestUs, decision, decisionId } = operation;
  if (outcome === 'failed') return [];
  const answer = outcome === 'denied' ? 'denied' : 'allowed';
  const isCertain = outcome === 'denied' || (outcome === 'allowed' && cost !== 0);
  const own = {
    code: 2 * number,
    cost,
    answer,
    fromUs: invokedUs,
    untilUs: lastUs(operation),
    isCertain,
  } as const;
  const surplus = {
    ...own,
    ...{ code: own.code + 1, cost: surplusOf(operation), answer: 'allowed' as const },
    ...{ untilUs: latestUs ?? Number.POSITIVE_INFINITY, isCertain: false },
  };
  const { source, node = '', bucketUs, levelQuanta } = decision ?? {};
  const isReported = source === 'redis' && levelQuanta !== undefined && bucketUs !== undefined;
  const reported = isReported ? { us: bucketUs, node } : undefined;
  if (surplus.cost <= 0) return [{ ...own, reported }];
  return [decisionId === undefined ? { ...own, reported } : own, surplus]; // with an id both count as attempts
}

/** What an operation may charge beyond its answer. The bucket may still get the request that a failure policy answered. */
function surplusOf({ outcome, cost, maxCharge, decision }: Operation): number {
  if (maxCharge !== undefined) return outcome === 'denied' ? maxCharge : maxCharge - Math.max(0, cost);
  const isLocal = decision?.source === 'fallback' && outcome !== 'info';
  return isLocal && decision.charge !== 'none' ? cost : 0;
}

/**
 * The attempts of one decision charge once, and have no surplus. If some were allowed, the first of these stands for all:
 * from the first start to the first reply that allows it. If none was, the first without a reply stands for those without
 * one, and every denial for itself. What a failure policy allowed counts if the bucket allowed none; then those without a
 * reply may be charged as well.
 */
function ofSeveral(attempts: readonly Numbered[]): Entry[] {
  const having = (wanted: Operation['outcome']) => attempts.filter(([, { outcome }]) => outcome === wanted);
  const fromUs = Math.min(...attempts.map(([, { invokedUs }]) => invokedUs));
  const one = (group: readonly Numbered[], untilUs: number, isCertain: boolean): Entry[] =>
    group.slice(0, 1).map(([number, { cost }]) => ({
      ...{ code: 2 * number, cost, answer: 'allowed', fromUs, untilUs, isCertain: isCertain && cost !== 0 },
    }));
  const ends = (group: readonly Numbered[]) => group.map(([, operation]) => lastUs(operation));
  const allowed = having('allowed');
  const byBucket = allowed.filter(([, { decision }]) => decision?.source !== 'fallback');
  if (byBucket.length > 0) return one(byBucket, Math.min(...ends(byBucket)), true);
  const open = one(having('info'), Math.max(...ends(having('info'))), false);
  if (allowed.length > 0) return [...one(allowed, Math.min(...ends(allowed)), true), ...open];
  const denied = having('denied')
    .flatMap(ofOne)
    .filter(({ answer }) => answer === 'denied')
    .map(({ reported: _, ...entry }) => entry);
  return [...open, ...denied];
}

/** The last moment at which an operation can have been decided. */
function lastUs({ outcome, completedUs, latestUs }: Operation): number {
  return (outcome === 'info' ? latestUs : completedUs) ?? Number.POSITIVE_INFINITY;
}
