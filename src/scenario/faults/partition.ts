import type { CutMode, PartitionShape } from '../../topology/pairs.ts';
import { mapping } from '../fields.ts';
import { cut, cutForm, cutting, hasOneShape, ONE_SHAPE, shapeOf } from './cut.ts';
import { type FaultDefinition, head } from './definition.ts';

export type PartitionSpec = { readonly fault: 'partition'; readonly mode: CutMode } & PartitionShape;

export const partition = {
  schema: mapping({ ...head('partition', 'Cut regions from each other.'), ...cut })
    .superRefine(hasOneShape)
    .meta(ONE_SHAPE)
    .transform(({ fault, at, for: length, mode, ...rest }) => ({
      ...{ fault, at, for: length, mode },
      ...shapeOf(rest),
    })),
  ...cutting,
  form: {
    ...cutForm,
    about: 'Cut regions from each other: data and cluster bus.',
    examples: [
      '--isolate eu-west',
      '--isolate eu-west --mode refuse',
      '--split us-east,eu-west ap-south',
      '# mute: eu-west receives but cannot send',
      '--from eu-west --to us-east ap-south',
      '# both still reach ap-south',
      '--bridge us-east eu-west',
    ],
  },
} satisfies FaultDefinition<PartitionSpec>;
