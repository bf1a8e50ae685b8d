import { given } from '../../core/given.ts';
import { asObject, type Fields, number, optional, RecordError, text } from './fields.ts';
import { type Event, MOVE_EVENT, SLOTS_EVENT } from './operation.ts';

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
  checkMove(event);
  return event;
}

/** What an event says of a move excuses decisions of its buckets, so an unclear one is refused. */
function checkMove({ event, atUs, args = {} }: Event): void {
  if (event !== MOVE_EVENT && event !== SLOTS_EVENT) return;
  try {
    if (event === MOVE_EVENT) text(args, 'bucket');
    else for (const node of ['from', 'to']) text(args, node);
    const untilUs = optional(args, 'untilUs', number) ?? atUs;
    if (untilUs < atUs) throw new RecordError(`untilUs must not be before atUs (${atUs}); found ${untilUs}`);
  } catch (error) {
    if (error instanceof RecordError) throw new RecordError(`the event ${event}: ${error.message}`);
    throw error;
  }
}
