import { OrderOf } from '../file-order.ts';
import { RecordError } from '../records/fields.ts';
import type { ClockReading, End, Event, FaultRecord, Outcome, Sample } from '../records/operation.ts';
import { type Part, partLabel } from '../records/part.ts';
import { IndexSet } from './index-set.ts';

/** A file of a history while it is read. */
export interface OpenFile {
  readonly name: string;
  readonly number: number;
  readonly isRotated: boolean;
  readonly indices: IndexSet;
  readonly order: OrderOf;
  operations: number;
  readonly outcomes: Record<Outcome, number>;
  dropped: number;
  hasHeader: boolean;
  part?: Part;
  /** The number of the text of the machine whose clock its times are of, or -1. */
  machine: number;
  end?: End;
}

export function openFile(name: string, number: number, isRotated: boolean): OpenFile {
  return {
    ...{ name, number, isRotated, indices: new IndexSet(), order: new OrderOf() },
    outcomes: { allowed: 0, denied: 0, failed: 0, info: 0 },
    ...{ operations: 0, dropped: 0, hasHeader: false, machine: -1 },
  };
}

/** The requests that were due and never sent, according to an event. */
export function droppedIn({ event, args: { requests } = {} }: Event): number {
  return event === 'dropped' && typeof requests === 'number' ? requests : 0;
}

export function addEnd(end: End, file: OpenFile): void {
  if (file.end !== undefined) throw new RecordError('a second end record in one file');
  if (file.part !== undefined && end.digest === undefined)
    throw new RecordError(
      'the end record of a part must have a digest, the SHA-256 of all bytes before its line',
    );
  if (file.part?.kind === 'control' && end.sent !== 0)
    throw new RecordError(`a control part sends no requests, so sent must be 0; found ${end.sent}`);
  file.end = end;
}

/** Of several files the smallest share counts. Undefined if all have every bucket. */
export function joinSamples(ends: readonly End[]): Sample | undefined {
  const samples = ends.flatMap(({ sample }) => (sample === undefined ? [] : [sample]));
  if (samples.length === 0) return undefined;
  return {
    share: Math.min(...samples.map(({ share }) => share)),
    others: samples.reduce((sum, { others }) => sum + others, 0),
  };
}

/** A record of a part has its times of the clock of the part's machine. */
export function withMachine<T extends ClockReading | FaultRecord | Event>(record: T, { part }: OpenFile): T {
  if (part === undefined) return record;
  return { ...record, machine: part.machine, ...(record.type === 'event' && { part: partLabel(part) }) };
}
