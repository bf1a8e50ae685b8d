import type { Evidence } from '../../core/decision.ts';
import type { Rate } from '../../core/policy.ts';
import type { Stated } from '../../core/stated.ts';
import type { Part } from './part.ts';

export type { Stated } from '../../core/stated.ts';

/** `failed` is certainly not charged. `info` may have been charged: no reply came. */
export type Outcome = 'allowed' | 'denied' | 'failed' | 'info';

export const OUTCOMES = ['allowed', 'denied', 'failed', 'info'] as const satisfies readonly Outcome[];

/** One request of one user. Times are microseconds of the recorder's one monotonic clock. */
export interface Operation {
  readonly type: 'op';
  /** Unique within a file. */
  readonly index: number;
  readonly bucket: string;
  readonly user: string;
  readonly region: string;
  /** The service of its region that got it, where a region has several. */
  readonly instance?: string;
  /** The connection that carried it. */
  readonly process: number;
  /** Tokens; negative for a refund. */
  readonly cost: number;
  /** Rounded down, so that the interval always contains the true one. */
  readonly invokedUs: number;
  /** In an open load, when it was due: latencies count from then, but the checker's interval does not. */
  readonly intendedUs?: number;
  /** Rounded up; null for `info`, which may still take effect. */
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  readonly status?: number;
  /** Why it failed or its outcome is unknown: a code of the error catalogue or of the recorder. */
  readonly error?: string;
  readonly decision?: Evidence;
  readonly stated?: Stated;
  /** The name of its policy among the header's `policies`; absent: the header's `policy`. */
  readonly policy?: string;
  /** The most tokens of each of its charges; absent: `cost`. The surplus may be charged until `latestUs`. */
  readonly maxCharge?: number;
  /** The last moment at which its unknown charge can take effect; absent: no limit. */
  readonly latestUs?: number;
  /**
   * Attempts with the same id are one decision and charge once. A history must have all attempts of a decision, also
   * those before its start: otherwise a repeated answer would look like a charge.
   */
  readonly decisionId?: string;
  /** Several buckets in one decision, all or nothing; `bucket`, `cost` and `policy` are then ignored. */
  readonly charges?: readonly Charge[];
  /** Of a reservation, whose `cost` is the most that it may cost: what it cost at last. */
  readonly settled?: RecordedSettlement;
  /** Of a reservation: what was reserved in addition, in order. */
  readonly extended?: readonly RecordedExtension[];
  /**
   * Of a reservation that is given back if it is not settled in time: the recorder's time before which it certainly is
   * not. Rounded down. The allowance for the limiter's clock is added by the checker.
   */
  readonly expiresUs?: number;
}

/** A later step of a reservation. Times as of the operation. */
export interface RecordedExtension {
  /** Tokens, in each of its buckets. */
  readonly cost: number;
  /** By bucket, if they differ; then `cost` is ignored. */
  readonly charges?: readonly Charge[];
  readonly invokedUs: number;
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  /** The last moment at which an unanswered step can take effect; absent: no limit. */
  readonly latestUs?: number;
  readonly decision?: Evidence;
}

/**
 * The end of a reservation: `cost` is what it really cost, and the rest is given back, once, in this interval. Repeated
 * ones are one, from the first start to the first answer. `failed`: certainly nothing was given back.
 */
export interface RecordedSettlement extends RecordedExtension {
  readonly outcome: 'allowed' | 'failed' | 'info';
}

/** The part of one decision that concerns one bucket. `cost` in tokens. */
export interface Charge {
  readonly bucket: string;
  readonly cost: number;
  readonly policy?: string;
}

/** A policy as a header writes it. */
export interface PolicyRecord {
  readonly capacity: number;
  readonly refill: Rate;
}

/** What was recorded. `initial: full` holds for runs on new keys. */
export interface Header {
  readonly type: 'header';
  readonly format: 'openclaw-history';
  readonly version: 1;
  /** For operations without a policy. */
  readonly policy?: PolicyRecord;
  /** By name, for classes of buckets. */
  readonly policies?: Readonly<Record<string, PolicyRecord>>;
  readonly strategy: string;
  /** What the limiter claims to enforce, as `check --promise` takes it. Absent: a token bucket of its policy. */
  readonly promise?: string;
  readonly scenario: string;
  readonly seed: number;
  readonly regions: readonly string[];
  readonly startedAt: string;
  readonly initial: 'full' | 'unknown';
  /**
   * For a history without clock readings. `one`: the limiter decides on the recorder's clock, with its resolution.
   * `apart`: it decides on a clock that was not read. Absent: on a clock of the same speed that may count in milliseconds.
   */
  readonly clocks?: 'one' | 'apart';
  /** The most that the limiter's clock may gain or lose between two moments, in addition to drift and reading errors. */
  readonly clockSlackUs?: number;
  /** There was no refund or reset during the recording, so no missing operation is one. */
  readonly refunds?: 'none';
  /** The run was a simulation, in virtual time. */
  readonly simulated?: true;
  /** The file has one part of a run whose load several processes send. */
  readonly part?: Part;
}

/**
 * Something that happened to the system. `reset` fills the bucket `args.bucket`, or every bucket, once: from `atUs` on,
 * when it was asked for, and by `args.untilUs`, when it was answered (null or absent: its end is not known). `dropped` counts `args.requests` of an open load in `args.region` that were due
 * from `atUs` on and never sent.
 */
export interface Event {
  readonly type: 'event';
  readonly event: string;
  readonly atUs: number;
  readonly node?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** In memory only: the part that has it, and its machine. */
  readonly part?: string;
  readonly machine?: string;
  /** In memory only: if clocks leave its time open, `atUs` is the earliest and this the latest. */
  readonly latestUs?: number;
}

/**
 * A fault: `inject`, then `heal`. `settled` is when the system worked again and no fault was in force: after the last
 * heal before the next fault, and at the end of a run.
 */
export interface FaultRecord {
  readonly type: 'fault';
  readonly fault: string;
  readonly phase: 'inject' | 'heal' | 'settled';
  readonly atUs: number;
  readonly args?: Readonly<Record<string, unknown>>;
  /** In memory only: the machine of the part that has it. */
  readonly machine?: string;
}

/**
 * One reading of a server's clock: at recorder time `atUs`, within `errorUs`, it showed `serverUs`. A reading from a
 * `Date` header gives the time of day there, but not the speed of the clock. A reading of a `machine` is one of the
 * monotonic clock of another machine, whose id is `node`.
 */
export interface ClockReading {
  readonly type: 'clock';
  readonly node: string;
  readonly atUs: number;
  readonly serverUs: number;
  readonly errorUs: number;
  readonly source?: 'date' | 'machine';
  /** In memory only: the machine of the part that has it, whose clock `atUs` is of. */
  readonly machine?: string;
}

/** The last record: `sent` operations were recorded. Without it a history is incomplete. A part has a digest. */
/** The buckets of a history are drawn by the seed, each with the same probability. */
export interface Sample {
  /** The probability, above 0 and below 1. */
  readonly share: number;
  /** The operations of all other buckets, which are sent and not recorded. */
  readonly others: number;
}

export interface End {
  readonly type: 'end';
  readonly atUs: number;
  readonly sent: number;
  /** Only the operations of some buckets are recorded. */
  readonly sample?: Sample;
  /** SHA-256 of all bytes of the file before this line, in hexadecimal. */
  readonly digest?: string;
}

export type HistoryRecord = Header | Operation | Event | FaultRecord | ClockReading | End;

/**
 * An event of a strategy with `perRegionBucket`: its node admitted on knowledge of the other regions of an age of at most
 * `args.ageUs` microseconds, except `args.unheard` admissions before it had received that of all regions.
 */
export const AGE_EVENT = 'age';

/** The event that fills a bucket: see `Event`. */
export const RESET_EVENT = 'reset';

/**
 * A limiter moved the bucket `args.bucket` to another key, within `atUs` and `args.untilUs` (null: it did not end, or not
 * certainly). The new key begins with the level of the old one; the refill of the time in between may be lost. Moves with
 * one number `args.move` are repeats of one.
 */
export const MOVE_EVENT = 'move';

/**
 * Slots moved with their buckets from the primary `args.from` to the primary `args.to`, within `atUs` and `args.untilUs`
 * (null: it did not end, or not certainly). At its end the replicas of the new primary have them.
 */
export const SLOTS_EVENT = 'slots';

/** The server that a part has reached under the name of a node, before its load: `args.runId` of its process. */
export const SERVER_EVENT = 'server';

/** The recorder of a part found a problem, `args.text`: its history shows less than it should. No verdict is then `pass`. */
export const PROBLEM_EVENT = 'problem';

const MOST_PROBLEM = 500;

/** The text of a problem in a history, and in what is shown of it: at most 500 characters. A second cut changes nothing. */
export function problemText(problem: string): string {
  return problem.length > MOST_PROBLEM ? `${problem.slice(0, MOST_PROBLEM - 3)}...` : problem;
}

/**
 * The limiter of a simulation has used `args.used`, which is not of the simulation. If it is a clock, a timer or a connection,
 * the history shows nothing of the limiter, and its verdict is `unknown`. With `args.harmless` the verdict stays. With
 * `args.line` the same seed gave another history, first at this line.
 */
export const OUTSIDE_EVENT = 'outside';
