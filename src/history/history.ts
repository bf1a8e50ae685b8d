import type { ClockReading, End, Event, FaultRecord, Header, Outcome } from './operation.ts';
import type { OperationTable } from './table.ts';

/** What became of one file. */
export interface FileFacts {
  readonly name: string;
  readonly operations: number;
  /** What its `end` record says; absent when the recording was cut short. */
  readonly sent?: number;
  /** The number of its last line, when that broke off in the middle and was left out. */
  readonly truncatedLine?: number;
}

/** How far the operations of a file are from the order of time. Microseconds. */
export interface FileOrder {
  /** How much earlier one is than another before it, at most, by their ends or by their starts; 0 in a file with an end. */
  readonly disorderUs: number;
  /** The longest time in which none ended. */
  readonly pauseUs: number;
}

/** How often each code came, the most frequent first. */
export type ErrorCounts = Readonly<Record<string, number>>;

/** A whole recorded run, of one file or of several. Times are microseconds of the recorder's clock. */
export interface History {
  /** That of the first file; the others agree with it in every policy. */
  readonly header: Header;
  readonly operations: OperationTable;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why operations failed, and why it is not known what others were charged. */
  readonly errors: Readonly<Record<'failed' | 'info', ErrorCounts>>;
  readonly clock: readonly ClockReading[];
  /** What the decisions themselves say of their servers' clocks: the sharpest of each quarter second. */
  readonly decisionClock: readonly ClockReading[];
  /** The most by which they say that a bucket's time was ahead of its server's clock. */
  readonly bucketsAheadUs: number;
  readonly faults: readonly FaultRecord[];
  readonly events: readonly Event[];
  /** Absent when any file has none. `sent` is the sum over all files. */
  readonly end?: End;
  readonly files: readonly FileFacts[];
  /** Whether operations say which decision they are attempts of. */
  readonly hasDecisionIds: boolean;
  /** In which order the lines of each file are, by its name. */
  readonly orders: ReadonlyMap<string, FileOrder>;
}
