import type { CutMode, PartitionShape } from '../../topology/pairs.ts';
import { duration, mapping } from '../fields.ts';
import { cut, cutForm, cutting, hasOneShape, ONE_SHAPE, shapeOf } from './cut.ts';
import { type FaultDefinition, head } from './definition.ts';

/** A partition that comes and goes; each length varies by up to half, drawn from the seed. */
export type FlapSpec = {
  readonly fault: 'flap';
  readonly mode: CutMode;
  readonly downMs: number;
  readonly upMs: number;
} & PartitionShape;

const LENGTH = { leastMs: 10, mostMs: 3_600_000 };

export const flap = {
  schema: mapping({
    ...head('flap', 'A partition that comes and goes; each length varies by up to half.'),
    ...cut,
    down: duration(LENGTH).meta({ description: 'How long each cut lasts, more or less by up to half.' }),
    up: duration(LENGTH).meta({
      description: 'How long the link works between two cuts, more or less by up to half.',
    }),
  })
    .superRefine(hasOneShape)
    .meta(ONE_SHAPE)
    .transform(({ fault, at, for: length, mode, down, up, ...rest }) => ({
      ...{ fault, at, for: length, mode, downMs: down, upMs: up },
      ...shapeOf(rest),
    })),
  ...cutting,
  isDrawn: true,
  form: {
    ...cutForm,
    about: 'Cut regions again and again; each length varies by up to half.',
    examples: ['--isolate eu-west --down 500ms --up 2s'],
    options: [
      ...cutForm.options,
      {
        flags: '--down <time>',
        key: 'downMs',
        about: 'how long each cut lasts',
        value: LENGTH,
        byDefault: '1s',
      },
      {
        flags: '--up <time>',
        key: 'upMs',
        about: 'how long the link works between two cuts',
        value: LENGTH,
        byDefault: '1s',
      },
    ],
  },
} satisfies FaultDefinition<FlapSpec>;
