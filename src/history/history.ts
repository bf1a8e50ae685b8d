import type { OperationTable } from './columns/table.ts';
import type { HistoryParts } from './parts/parts.ts';
import type { ClockReading, End, Event, FaultRecord, Header, Outcome } from './records/operation.ts';

/** What was read of one file. */
export interface FileFacts {
  readonly name: string;
  readonly operations: number;
  /** The `sent` of its `end` record; absent if the recording was cut short. */
  readonly sent?: number;
  /** The number of its last line, if that was incomplete and left out. */
  readonly truncatedLine?: number;
}

/** How far the operations of a file are from the order of time. Microseconds. */
export interface FileOrder {
  /** The most by which an operation is earlier than one before it, by ends or by starts; 0 in a file with an end. */
  readonly disorderUs: number;
  /** The longest time in which no operation ended. */
  readonly pauseUs: number;
  /** Whether another file may continue it: a foreign log, which may be rotated, with a complete last line. */
  readonly mayGoOn: boolean;
}

/** How often each code occurred, the most frequent first. */
export type ErrorCounts = Readonly<Record<string, number>>;

/** A recorded run, from one or several files. Times are microseconds of the recorder's clock. */
export interface History {
  /** The header of the first file; the others have the same policies. */
  readonly header: Header;
  readonly operations: OperationTable;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Error codes of operations that failed, and of operations with an unknown charge. */
  readonly errors: Readonly<Record<'failed' | 'info', ErrorCounts>>;
  readonly clock: readonly ClockReading[];
  /** Readings of servers' clocks from the decisions: the most exact of each quarter second. */
  readonly decisionClock: readonly ClockReading[];
  /** The most by which a bucket's time was ahead of its server's clock, according to the decisions. */
  readonly bucketsAheadUs: number;
  readonly faults: readonly FaultRecord[];
  readonly events: readonly Event[];
  /** Absent if any file has none. `sent` is the sum over all files. */
  readonly end?: End;
  readonly files: readonly FileFacts[];
  /** Whether operations have a `decisionId`. */
  readonly hasDecisionIds: boolean;
  /** Whether operations are reservations with later steps. One that is still open is not yet in a history. */
  readonly hasReservations: boolean;
  /** Of a run whose load several processes sent. Times are then those of the machine of each file. */
  readonly parts?: HistoryParts;
  /** The order of the lines of each file, by its name. */
  readonly orders: ReadonlyMap<string, FileOrder>;
}

/** How a foreign log was read, as far as that may be wrong. */
export interface LogReading {
  /** The field that names the bucket; absent if all requests share one. */
  readonly key?: string;
  /** Other fields whose values look like bucket names with several requests each. */
  readonly otherKeys: readonly string[];
  /** The unit of its times, as a power of ten of a microsecond; absent for dates and where the format has the unit. */
  readonly unitPower?: number;
}
