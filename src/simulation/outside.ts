import { type Event, OUTSIDE_EVENT } from '../history/records/operation.ts';

/** What a plug-in used that is not of the simulation. */
export interface OutsideUse {
  /** As its code names it. */
  readonly used: string;
  /** It changes no verdict: the plug-in decides as it may decide in a real run. */
  readonly harmless?: true;
}

/** Calls back with each use, also with earlier ones, until the returned function is called. */
export type OnOutside = (call: (use: OutsideUse) => void) => () => void;

export function outsideRecord(use: OutsideUse, atUs: number): Event {
  return { type: 'event', event: OUTSIDE_EVENT, atUs, args: { ...use } };
}
