import { z } from 'zod';
import { given } from '../core/given.ts';
import type { ArrivalFields } from '../history/foreign/arrivals.ts';
import { FOREIGN_FORMATS, type ForeignFormat, OWN_FORMAT } from '../history/foreign/formats/formats.ts';
import { UNITS, type Unit } from '../history/foreign/units.ts';
import { choice, mapping } from './fields.ts';
import type { Problem } from './problems.ts';

/** A log whose requests are sent again, each at its time. */
export interface RecordedLog extends ArrivalFields {
  /** As written, until it is resolved. */
  readonly file: string;
}

const FILE = 'the file of a log, like access.log, or a mapping with file';
const file = z.string({ error: FILE }).min(1, { error: FILE });
const field = (description: string) => {
  const error = 'the name of a field';
  return z.string({ error }).min(1, { error }).optional().meta({ description });
};
const ZONE = 'UTC, or an offset like +01:00';

const FORMATS = [OWN_FORMAT, ...(Object.keys(FOREIGN_FORMATS) as ForeignFormat[])] as const;

const details = mapping({
  file: file.meta({ description: 'The log, as text or as .gz; relative to this file.' }),
  format: choice(FORMATS).optional().meta({
    description: 'As in check --from, or history for the history of a run; without it, the first line tells.',
  }),
  key: field('The field that names the user.'),
  start: field('The field with the time at which a request arrived.'),
  end: field('The field with the time at which its reply left.'),
  duration: field('The field with its duration; with end instead of start.'),
  unit: choice(Object.keys(UNITS) as [Unit, ...Unit[]])
    .optional()
    .meta({ description: 'The unit of times whose fields do not end in _ns, _us, _ms or _s.' }),
  zone: z
    .string({ error: ZONE })
    .regex(/^(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$/, { error: ZONE })
    .optional()
    .meta({ description: 'The zone of dates without one: UTC, +01:00.' }),
  cost: field('The field with the tokens of a request; without it, each costs one.'),
  region: field('The field with its region; without it, the seed draws the regions of each user.'),
});

/** A file alone, or with what its fields mean. */
export const recordedLogSchema = z
  .union(
    [
      file.transform((name): RecordedLog => ({ file: name })),
      details.transform(({ file: name, ...rest }): RecordedLog => ({ file: name, ...given(rest) })),
    ],
    { error: FILE },
  )
  .meta({
    description:
      'A log whose requests are sent again, each at its time and for its user; its path is relative to this file.',
  });

/** What a log says itself. */
const OF_THE_LOG = ['mode', 'rate', 'peaks', 'users', 'skew', 'cost', 'resting', 'ramp'];

/** Checks the value as written: the others have defaults, so the parsed value cannot show that they were given. */
export function checkRecorded(value: unknown): Problem[] {
  const { load } = (value ?? {}) as { load?: unknown };
  if (typeof load !== 'object' || load === null || !('from' in load)) return [];
  return OF_THE_LOG.filter((key) => key in load).map((key) => ({
    path: ['load', key],
    isKey: true,
    text: `the log says this itself; remove ${key}, or from`,
  }));
}
