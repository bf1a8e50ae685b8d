import { type Event, SLOTS_EVENT } from '../../history/records/operation.ts';
import { endOf } from './bucket-moves.ts';

/** Slots that moved from one primary to another. Microseconds of the recorder; Infinity if it may not have ended. */
export interface Migration {
  readonly from: string;
  readonly to: string;
  readonly fromUs: number;
  readonly untilUs: number;
}

export function migrationsIn(events: readonly Event[]): Migration[] {
  return events.flatMap(({ event, atUs, args }) => {
    if (event !== SLOTS_EVENT || typeof args?.from !== 'string' || typeof args.to !== 'string') return [];
    return [{ from: args.from, to: args.to, fromUs: atUs, untilUs: endOf(args) }];
  });
}
