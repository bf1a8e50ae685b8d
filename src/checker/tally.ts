import { OUTCOMES, type Outcome } from '../history/operation.ts';
import { type LatencyFigures, LatencyHistogram } from './latency.ts';

/** What one phase or one region saw. Amounts are tokens. */
export interface EvidenceRow {
  readonly name: string;
  readonly operations: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly admitted: number;
  /** What an exact bucket fed the same operations, each at its completion, would have admitted. */
  readonly exactAdmitted: number;
  /** The excess of the whole run, as far as its operations are of here. */
  readonly excess: number;
  /** That of the bucket with the most of it here. */
  readonly largestExcess: number;
  readonly falseDenials: number;
  /** Denials of which it could be said. */
  readonly judgedDenials: number;
  /** Decisions whose level the math does not give. */
  readonly replay: number;
  /** Decisions that say which level they left. */
  readonly replayed: number;
  /** Requests of an open load that were due, dropped ones included. */
  readonly arrivals: number;
  /** Those of them that were never sent: every connection of their region was busy. */
  readonly dropped: number;
  /** Buckets that denied here when what they had admitted can have drained them. */
  readonly contested: number;
  /** By outcome, and of all that were answered; from when a request was due, or sent where it was due at no time. */
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
  arrivals = 0;
  dropped = 0;
  contested = 0;

  /** Adds what another has counted; `contested` and `largestExcess` are of buckets and do not add up. */
  addAll(other: Tally): void {
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
    for (const [at, histogram] of other.latency.entries()) this.latency[at]?.addAll(histogram);
    this.admitted += other.admitted;
    this.exactAdmitted += other.exactAdmitted;
    this.excess += other.excess;
    this.falseDenials += other.falseDenials;
    this.judgedDenials += other.judgedDenials;
    this.replay += other.replay;
    this.replayed += other.replayed;
    this.arrivals += other.arrivals;
    this.dropped += other.dropped;
  }

  row(name: string, lengthUs: number): EvidenceRow {
    const any = new LatencyHistogram();
    for (const histogram of this.latency) any.addAll(histogram);
    const latency = [...OUTCOMES, 'any' as const].map(
      (name, at) => [name, (this.latency[at] ?? any).figures()] as const,
    );
    return {
      name,
      operations: OUTCOMES.reduce((sum, outcome) => sum + this.outcomes[outcome], 0),
      outcomes: this.outcomes,
      admitted: this.admitted,
      exactAdmitted: this.exactAdmitted,
      excess: this.excess,
      largestExcess: this.largestExcess,
      falseDenials: this.falseDenials,
      judgedDenials: this.judgedDenials,
      replay: this.replay,
      replayed: this.replayed,
      arrivals: this.arrivals,
      dropped: this.dropped,
      contested: this.contested,
      latency: Object.fromEntries(latency.filter(([, figures]) => figures.count > 0)),
      lengthUs,
    };
  }
}
