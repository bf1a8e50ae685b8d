import { given } from '../../core/given.ts';
import { asObject, type Fields, number, optional, RecordError, text } from './fields.ts';
import { type Event, MOVE_EVENT, RESET_EVENT, SLOTS_EVENT } from './operation.ts';

export function parseEvent(fields: Fields): Event {
  const event: Event = {
    type: 'event',
    event: text(fields, 'event'),
    atUs: number(fields, 'atUs'),
    ...given({
      node: optional(fields, 'node', text),
      args: fields.args === undefined ? undefined : asObject(fields.args, 'args'),
    }),
  };
  checkEnd(event);
  return event;
}

/** What an event says of a move or a reset excuses decisions of its buckets, so an unclear one is refused. */
function checkEnd({ event, atUs, args = {} }: Event): void {
  const names = NAMES.get(event);
  if (names === undefined) return;
  try {
    for (const name of names) text(args, name);
    if (event === RESET_EVENT) optional(args, 'bucket', text);
    const untilUs = optional(args, 'untilUs', number) ?? atUs;
    if (untilUs < atUs) throw new RecordError(`untilUs must not be before atUs (${atUs}); found ${untilUs}`);
  } catch (error) {
    if (error instanceof RecordError) throw new RecordError(`the event ${event}: ${error.message}`);
    throw error;
  }
}

/** The events with an end, and the arguments that each must have. A reset without a bucket is one of every bucket. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  [MOVE_EVENT, ['bucket']],
  [SLOTS_EVENT, ['from', 'to']],
  [RESET_EVENT, []],
]);
