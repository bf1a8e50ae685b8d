import type { ErrorCode } from '../../core/errors.ts';
import type { ClockReading, Operation } from '../../history/records/operation.ts';
import type { Dropped } from '../recorder.ts';
import type { LoadOptions } from '../run-load.ts';
import type { PlannedUser } from '../users.ts';

/** A load as it is sent to a process: times are those of a recorder with this origin. */
export type LoadTask = Omit<LoadOptions, 'users' | 'recorder' | 'signal' | 'startAtUs'> & {
  readonly users: readonly PlannedUser[];
  readonly originUs: number;
};

export type ToProcess =
  | { readonly type: 'load'; readonly task: LoadTask }
  /** All processes have their load, which begins at this time of their recorders. */
  | { readonly type: 'start'; readonly atUs: number }
  | { readonly type: 'stop' };

/** What a process recorded, and when: its completion, or when it was given up. */
export type TimedRecord = readonly [atUs: number, record: Operation | ClockReading];

export type FromProcess =
  /** It can take a load. */
  | { readonly type: 'ready' }
  /** It has the load. */
  | { readonly type: 'loaded' }
  /** JSON of a list of `TimedRecord`, which is read faster than a structured clone. All later ones are of `upToUs` or later. */
  | { readonly type: 'records'; readonly upToUs: number; readonly json: string }
  /** It did not run for some time. */
  | { readonly type: 'paused'; readonly ms: number }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string; readonly hint: string }
  /** After its last records. */
  | { readonly type: 'done'; readonly loadMs: number; readonly dropped: readonly Dropped[] };
