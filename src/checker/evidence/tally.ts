import { OUTCOMES, type Outcome } from '../../history/records/operation.ts';
import { type LatencyFigures, LatencyHistogram } from './histogram.ts';

/** The counts of one phase or one region. Amounts are tokens. */
export interface EvidenceRow {
  readonly name: string;
  readonly operations: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly admitted: number;
  /** The admissions of an ideal bucket with the same operations, each at its completion. */
  readonly exactAdmitted: number;
  /** The part of the run's excess caused by operations of this phase and region. */
  readonly excess: number;
  /** The excess of the bucket with the largest excess here. */
  readonly largestExcess: number;
  readonly falseDenials: number;
  /** Denials that could be judged. */
  readonly judgedDenials: number;
  /** Decisions with a level that does not match the token math. */
  readonly replay: number;
  /** Decisions that report the level after them. */
  readonly replayed: number;
  /** Stated values that no ideal limiter can have meant. */
  readonly dishonest: number;
  /** Decisions that stated something besides yes or no. */
  readonly stated: number;
  /** Requests of an open load that were due, dropped ones included. */
  readonly arrivals: number;
  /** Due requests that were never sent, because every connection of their region was busy. */
  readonly dropped: number;
  /** Buckets with a denial here at a time when their admissions can have drained them. */
  readonly contested: number;
  /** By outcome, and of all answered requests. From the due time of a request, or from its start if it has none. */
  readonly latency: Readonly<Partial<Record<Outcome | 'any', LatencyFigures>>>;
  /** From its start, or the first request, to its end, or the last reply. */
  readonly lengthUs: number;
}

/** Counts for one row. */
export class Tally {
  readonly outcomes: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  readonly latency = OUTCOMES.map(() => new LatencyHistogram());
  admitted = 0;
  exactAdmitted = 0;
  excess = 0;
  largestExcess = 0;
  falseDenials = 0;
  judgedDenials = 0;
  replay = 0;
  replayed = 0;
  dishonest = 0;
  stated = 0;
  arrivals = 0;
  dropped = 0;
  contested = 0;

  /** Adds the counts of another tally, except `contested` and `largestExcess`, which are of buckets and do not add up. */
  addAll(other: Tally): void {
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
    for (const [at, histogram] of other.latency.entries()) this.latency[at]?.addAll(histogram);
    for (const amount of OF_OPERATIONS) this[amount] += other[amount];
  }

  row(name: string, lengthUs: number): EvidenceRow {
    const any = new LatencyHistogram();
    for (const histogram of this.latency) any.addAll(histogram);
    const figures = [...OUTCOMES, 'any' as const].map(
      (name, at) => [name, (this.latency[at] ?? any).figures()] as const,
    );
    const { outcomes, latency: _, ...amounts } = this;
    return {
      name,
      operations: OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0),
      outcomes,
      ...amounts,
      latency: Object.fromEntries(figures.filter(([, { count }]) => count > 0)),
      lengthUs,
    };
  }
}

const OF_OPERATIONS = [
  ...(['admitted', 'exactAdmitted', 'excess', 'falseDenials', 'judgedDenials'] as const),
  ...(['replay', 'replayed', 'dishonest', 'stated', 'arrivals', 'dropped'] as const),
];
