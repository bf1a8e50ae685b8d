import type { BoardTopology } from '../../core/board-terms.ts';

/** The content of `scoreboard.json`: the table, the text and the page are drawn from it alone. */
export interface Scoreboard {
  readonly format: 'openclaw-scoreboard';
  readonly version: 1;
  /** Like `openclaw-rl 0.1.0`. */
  readonly program: string;
  /** Makes it again. */
  readonly command: string;
  /** Node.js, processors and system of the machine that wrote the document. */
  readonly machine: string;
  /** In the order of the table. */
  readonly scenarios: readonly ScoreboardScenario[];
  readonly limiters: readonly ScoreboardLimiter[];
  /** One of every limiter in every scenario; all scenarios of one limiter before the next. */
  readonly cells: readonly ScoreboardCell[];
}

export interface ScoreboardScenario {
  readonly id: string;
  /** A few words, for the head of a column. */
  readonly title: string;
  /** A sentence. */
  readonly about: string;
  /** A digest of its load, faults and claims: its cells are of these. Absent in boards of before. */
  readonly code?: string;
}

export interface ScoreboardLimiter {
  /** The name of its file without the ending, or that of a strategy. */
  readonly id: string;
  /** A strategy of openclaw-rl. */
  readonly isOurs: boolean;
  /** As `--promise` takes it. */
  readonly promise: string;
  /** One line, as its own command printed it. */
  readonly version: string;
  readonly name: string;
  readonly language: string;
  readonly setting: string;
  readonly documentation: readonly string[];
  readonly says: string;
  /** The scenarios for which its documentation promises the limit, besides `healthy`. */
  readonly covers: readonly string[];
  readonly topology: BoardTopology;
  /** The part of the limiter that its audit replaces. */
  readonly shim?: string;
  /** A digest of its file and of what its command names: its cells are of this code. Absent for a strategy. */
  readonly code?: string;
}

/**
 * - `kept`: the run found nothing against its promise.
 * - `broken`: it did, and the promise is for this scenario.
 * - `exceeded`: it did, and the limiter promises nothing for this scenario.
 * - `unknown`: too little evidence.
 * - `not-run`: there is no run.
 */
export const CELL_STATUSES = ['kept', 'broken', 'exceeded', 'unknown', 'not-run'] as const;

export type CellStatus = (typeof CELL_STATUSES)[number];

export interface ScoreboardCell {
  /** The id of the limiter. */
  readonly limiter: string;
  /** The id of the scenario. */
  readonly scenario: string;
  readonly status: CellStatus;
  /** Of `unknown` and `not-run`; else ''. */
  readonly reason: string;
  /** Null where it was not run. */
  readonly figures: CellFigures | null;
  /** A proof of a run that is `broken` or `exceeded`: of the worst user; of windows, the first that is above the limit. */
  readonly witness: CellWitness | null;
  /** Makes the run again; '' where it was not run. */
  readonly command: string;
  readonly seed: number;
  /** ISO 8601; '' where it was not run. */
  readonly startedAt: string;
  /** Provider and server; '' where it was not run. */
  readonly system: string;
  /** Of the history that the run wrote: all its files, in their order. Null where it was not run. */
  readonly history: CellHistory | null;
}

export interface CellFigures {
  readonly excess: CellExcess;
  /** Denials of a request that the limit had room for; null if the promise names no such denial. */
  readonly falseDenials: Share | null;
  /**
   * The share of requests that were allowed or denied, 0 to 1: during the fault, or over the whole load without one. The mean
   * of the regions.
   */
  readonly decided: number | null;
  /** Requests that were neither allowed nor denied, by the code of their error, the most frequent first. Absent in boards of before. */
  readonly undecided?: Readonly<Record<string, number>>;
  /** Requests that were due, and not sent: all connections of their region were busy. Absent in boards of before. */
  readonly dropped?: number;
  /** Stated values that cannot be true, and decisions that stated something besides yes or no. */
  readonly dishonest: Share;
  /** Latency of admissions in the slowest region, microseconds. */
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly requests: number;
}

/** How far the worst user was above the limiter's own promise. */
export interface CellExcess {
  /**
   * `windows`: requests above the limit in the worst window of a promise of windows. `total`: of a token bucket, the
   * tokens of the worst user. `window`: the tokens above the worst window of our strategy's bound.
   */
  readonly of: 'windows' | 'total' | 'window';
  readonly tokens: number;
  /** What our strategy declares; null: it declares nothing, or the limiter is none of ours. */
  readonly declared: number | null;
  /** Of a promise of windows: the requests with which one above the limit ends. Such windows may overlap. */
  readonly windows?: number;
}

export interface Share {
  readonly total: number;
  readonly judged: number;
}

export interface CellWitness {
  /** The inequality that does not hold. */
  readonly text: string;
  /** Policy and user, like `ratings:u1`. */
  readonly bucket: string;
  /** At most 40: the first ones, and the last. */
  readonly operations: readonly WitnessOperation[];
  /** How many more stand before the last. */
  readonly more: number;
}

export interface WitnessOperation {
  /** Its number in the history. */
  readonly operation: number;
  readonly region: string;
  readonly outcome: string;
  /** Seconds since the start of the run: when it was sent, and when it was over; null: no reply came. */
  readonly fromS: number;
  readonly toS: number | null;
}

export interface CellHistory {
  /** Lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
  readonly operations: number;
}
