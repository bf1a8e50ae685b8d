import { invalidOption } from '../../core/errors.ts';
import { mapping, regionName, wholeNumber } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';

/** Slots of the primary of one region move with their keys to the primary of another, and back when healed. */
export interface MoveSlotsSpec {
  readonly fault: 'move-slots';
  readonly from: string;
  readonly to: string;
  /** How many. */
  readonly slots: number;
}

const [LEAST, MOST] = [1, 16_383];
const BY_DEFAULT = 100;
const OTHER = 'another region than from';

export const moveSlots = {
  schema: mapping({
    ...head('move-slots', 'Move slots with their keys to the primary of another region, and back.'),
    from: regionName().meta({ description: 'The region whose primary gives slots away.' }),
    to: regionName().meta({ description: 'The region whose primary gets them.' }),
    slots: wholeNumber(LEAST, MOST)
      .prefault(BY_DEFAULT)
      .meta({ description: 'How many, those with the most keys first; the primary must keep at least one.' }),
  }).refine(({ from, to }) => from !== to, { path: ['to'], error: OTHER }),
  changes: () => ['which primary has which slots'],
  form: {
    about: 'Move slots with their keys to the primary of another region.',
    examples: ['--from eu-west --to us-east', '--from eu-west --to us-east --slots 1000'],
    options: [
      { flags: '--from <region>', key: 'from', about: 'whose primary gives them away', isRequired: true },
      { flags: '--to <region>', key: 'to', about: 'whose primary gets them', isRequired: true },
      {
        flags: '--slots <number>',
        key: 'slots',
        about: 'how many, those with the most keys first',
        value: { parse: readSlots, format: String },
        byDefault: String(BY_DEFAULT),
      },
    ],
    check(given: { readonly from?: string; readonly to?: string }) {
      if (given.from === given.to) throw invalidOption(`expected ${OTHER} for --to; found ${given.to}`);
    },
  },
} satisfies FaultDefinition<MoveSlotsSpec>;

function readSlots(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= LEAST && number <= MOST) return number;
  throw invalidOption(`expected a whole number from ${LEAST} to ${MOST}`);
}
