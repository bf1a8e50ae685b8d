import { Chain, type Linked } from '../core/chain.ts';
import type { Charge, ClockReading, Operation, Outcome } from '../history/records/operation.ts';
import { DateClock } from './date-clock.ts';
import { monotonicUs } from './monotonic.ts';
import type { Reply } from './outcome.ts';

/** A request, as it is sent. */
export interface Sent {
  readonly bucket: string;
  readonly user: string;
  readonly region: string;
  readonly process: number;
  readonly cost: number;
  /** In the buckets of several policies. */
  readonly charges?: readonly Charge[] | undefined;
  /** What it really costs, if it reserves its cost. */
  readonly actual?: number | undefined;
}

/** An operation that was invoked and is not yet completed. */
export class OpenOperation implements Linked<OpenOperation> {
  readonly index: number;
  readonly sent: Sent;
  /** When it was sent. */
  readonly invokedUs: number;
  /** In an open load, when it was due: its latency counts from then. */
  readonly intendedUs: number | undefined;
  isLinked = false;
  before: OpenOperation | undefined;
  after: OpenOperation | undefined;

  constructor(index: number, sent: Sent, invokedUs: number, intendedUs: number | undefined) {
    this.index = index;
    this.sent = sent;
    this.invokedUs = invokedUs;
    this.intendedUs = intendedUs;
  }
}

/** Requests of one slice of time that were due in a region and not sent, since every connection was busy. */
export interface Dropped {
  readonly region: string;
  /** When the first of them was due. */
  readonly atUs: number;
  requests: number;
}

const SLICE_US = 100_000;

/** Records every request that is sent exactly once, also those without a reply. */
export class Recorder {
  readonly #write: (operation: Operation) => void;
  readonly #writeReading: (reading: ClockReading) => void;
  readonly #dates = new DateClock();
  readonly #clock: () => number;
  /** Of its times, on its clock. */
  readonly originUs: number;
  readonly #open = new Chain<OpenOperation>();
  readonly #slices = new Map<string, Dropped>();
  readonly counts: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  readonly dropped: Dropped[] = [];
  #sent = 0;

  /**
   * `writeReading` gets the clock readings from the dates of replies, where these are read. `nowUs` is a monotonic clock,
   * by default the machine's. Times count from `originUs` of it: 0 for a clock that other processes share. Default: now.
   */
  constructor(
    write: (operation: Operation) => void,
    writeReading: (reading: ClockReading) => void = () => {},
    { nowUs = monotonicUs, originUs = nowUs() }: { nowUs?: () => number; originUs?: number } = {},
  ) {
    this.#clock = nowUs;
    this.originUs = originUs;
    this.#write = write;
    this.#writeReading = writeReading;
  }

  get sent(): number {
    return this.#sent;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  /** Microseconds of the run's one monotonic clock, not rounded. */
  nowUs(): number {
    return this.#clock() - this.originUs;
  }

  invoke(sent: Sent, intendedUs?: number): OpenOperation {
    const dueUs = intendedUs === undefined ? undefined : Math.floor(intendedUs);
    const open = new OpenOperation(this.#sent++, sent, Math.floor(this.nowUs()), dueUs);
    this.#open.add(open);
    return open;
  }

  drop(region: string, dueUs: number): void {
    const slice = this.#slices.get(region);
    if (slice !== undefined && dueUs - slice.atUs < SLICE_US) {
      slice.requests++;
      return;
    }
    const next = { region, atUs: Math.floor(dueUs), requests: 1 };
    this.#slices.set(region, next);
    this.dropped.push(next);
  }

  /** Adds what another recorder with the same origin has recorded; an operation gets the next index. */
  adopt(record: Operation | ClockReading): void {
    if (record.type === 'clock') {
      this.#writeReading(record);
      return;
    }
    this.counts[record.outcome]++;
    this.#write({ ...record, index: this.#sent++ });
  }

  complete(open: OpenOperation, reply: Reply): void {
    if (!open.isLinked) return;
    const completedUs = Math.ceil(this.nowUs());
    const { dateUs, settled } = reply;
    if (dateUs !== undefined) this.#readDate(open, completedUs, dateUs);
    this.#close(open, reply, reply.outcome === 'info' ? null : completedUs, settled);
  }

  #readDate(open: OpenOperation, completedUs: number, dateUs: number): void {
    const reading = this.#dates.read(
      { region: open.sent.region, invokedUs: open.invokedUs },
      completedUs,
      dateUs,
    );
    if (reading !== undefined) this.#writeReading(reading);
  }

  /** The request was sent and no reply will come: it may have been charged. */
  lose(open: OpenOperation, error: string): void {
    this.#close(open, { outcome: 'info', error }, null);
  }

  /** The request was certainly not sent. */
  fail(open: OpenOperation, error: string): void {
    this.#close(open, { outcome: 'failed', error }, Math.ceil(this.nowUs()));
  }

  /** Closes every open request as one without a reply. */
  loseAll(error: string): void {
    for (let open = this.#open.first; open !== undefined; open = this.#open.first) this.lose(open, error);
  }

  /** Written out: spreads of objects cost more than all else that is recorded. */
  #close(open: OpenOperation, end: End, completedUs: number | null, settled?: Reply['settled']): void {
    if (!this.#open.remove(open)) return;
    const { index, sent, invokedUs, intendedUs } = open;
    const { bucket, user, region, process, cost, charges, actual } = sent;
    const { outcome, status, error, instance, decision, stated } = end;
    this.counts[outcome]++;
    const operation: { -readonly [K in keyof Operation]: Operation[K] } = {
      type: 'op',
      index,
      bucket,
      user,
      region,
      process,
      cost,
      invokedUs,
      completedUs,
      outcome,
    };
    if (intendedUs !== undefined) operation.intendedUs = intendedUs;
    if (charges !== undefined) operation.charges = charges;
    if (status !== undefined) operation.status = status;
    if (error !== undefined) operation.error = error;
    if (instance !== undefined) operation.instance = instance;
    if (decision !== undefined) operation.decision = decision;
    if (stated !== undefined) operation.stated = stated;
    const maxCharge = maxChargeOf(sent, end);
    if (maxCharge !== undefined) operation.maxCharge = maxCharge;
    const made = actual === undefined ? undefined : settlementOf(actual, operation, settled);
    if (made !== undefined) operation.settled = made;
    this.#write(operation);
  }
}

type End = Pick<Operation, 'outcome' | 'status' | 'error' | 'instance' | 'decision' | 'stated'>;

/**
 * The settlement of a request that reserved: it was made while the request was, if it was answered. A failure policy
 * reserves nothing.
 */
function settlementOf(
  cost: number,
  {
    outcome,
    invokedUs,
    completedUs,
    decision,
  }: Pick<Operation, 'outcome' | 'invokedUs' | 'completedUs' | 'decision'>,
  settled: Reply['settled'] = 'info',
): Operation['settled'] {
  if (outcome === 'denied' || outcome === 'failed' || decision?.source === 'fallback') return undefined;
  const isOpen = outcome === 'info' || settled === 'info';
  const end = isOpen ? ({ outcome: 'info', completedUs: null } as const) : { outcome: settled, completedUs };
  return { cost, invokedUs, ...end };
}

/** The largest charge that a history can hold. */
const MOST_TOKENS = 2 ** 31 - 1;

/**
 * The most that may be charged for a request that a failure policy decided, since the shared bucket may charge it, too:
 * the cost for a denial, twice the cost for an admission. Undefined if no charge is possible, and of several policies, whose
 * costs differ: a reader infers the same from the decision.
 */
function maxChargeOf(
  { cost, charges }: Pick<Sent, 'cost' | 'charges'>,
  { outcome, decision }: Pick<Operation, 'outcome' | 'decision'>,
): number | undefined {
  if (decision?.source !== 'fallback' || decision.charge === 'none' || charges !== undefined)
    return undefined;
  if (outcome === 'denied') return cost;
  // Twice the cost may be more than a history can hold; a reader then infers it from the decision.
  return outcome === 'allowed' && 2 * cost <= MOST_TOKENS ? 2 * cost : undefined;
}
