import type { z } from 'zod';
import { invalidOption } from '../../core/errors.ts';
import { isCut, type PartitionShape } from '../../topology/pairs.ts';
import { choice, type IssueDetail, listOf, regionList, twoRegions } from '../fields.ts';
import { passes } from './links.ts';

export const cut = {
  mode: choice(['blackhole', 'refuse']).default('blackhole').meta({
    description: 'blackhole: connections open but no data passes; refuse: new connections fail at once.',
  }),
  isolate: regionList().optional().meta({ description: 'Cut these regions from all others, both ways.' }),
  split: listOf(regionList(), { what: 'groups of regions', least: 2 })
    .optional()
    .meta({ description: 'Cut each group from every other; a region in no group keeps all its links.' }),
  from: regionList().optional().meta({ description: 'With to: cut one direction only, from these regions.' }),
  to: regionList().optional().meta({ description: 'With from: cut one direction only, to these regions.' }),
  bridge: twoRegions()
    .optional()
    .meta({ description: 'Cut these two from each other; both still reach all others.' }),
};

/** In JSON Schema: exactly one of the shapes. */
export const ONE_SHAPE = {
  oneOf: [['isolate'], ['split'], ['from', 'to'], ['bridge']].map((required) => ({ required })),
};

const SHAPES = ['isolate', 'split', 'from', 'to', 'bridge'] as const;

type CutKeys = { readonly [Key in (typeof SHAPES)[number]]?: unknown };

const shapesIn = (value: CutKeys) => SHAPES.filter((key) => value[key] !== undefined);

function isOneShape(given: readonly string[]): boolean {
  return given.join() === 'from,to' || (given.length === 1 && given[0] !== 'from' && given[0] !== 'to');
}

export function hasOneShape(value: CutKeys, context: z.RefinementCtx): void {
  const given = shapesIn(value);
  if (isOneShape(given)) return;
  const params: IssueDetail = { found: given.length === 0 ? 'none of them' : given.join(' and ') };
  const message = 'exactly one of isolate, split, bridge, or from together with to';
  context.addIssue({ code: 'custom', message, params });
}

interface Cut {
  readonly isolate?: readonly string[] | undefined;
  readonly split?: readonly (readonly string[])[] | undefined;
  readonly from?: readonly string[] | undefined;
  readonly to?: readonly string[] | undefined;
  readonly bridge?: readonly [string, string] | undefined;
}

/** The shape of a cut for which `hasOneShape` holds. */
export function shapeOf({ isolate, split, from = [], to = [], bridge }: Cut): PartitionShape {
  if (isolate !== undefined) return { isolate };
  if (split !== undefined) return { split };
  return bridge === undefined ? { from, to } : { bridge };
}

/** The common parts of partition and flap. */
export const cutting = {
  changes: (spec: PartitionShape, regions: readonly string[]) => passes(regions, (pair) => isCut(spec, pair)),
};

/** Their common options on the command line. */
export const cutForm = {
  options: [
    {
      flags: '--isolate <regions...>',
      key: 'isolate',
      about: 'cut these regions from all others, both ways',
    },
    {
      flags: '--split <groups...>',
      key: 'split',
      about: 'cut each group from every other; commas within a group',
      value: 'groups',
    },
    {
      flags: '--bridge <regions...>',
      key: 'bridge',
      about: 'cut these two from each other; both still reach all others',
    },
    {
      flags: '--from <regions...>',
      key: 'from',
      about: 'with --to: cut one direction only, from these regions',
    },
    { flags: '--to <regions...>', key: 'to', about: 'with --from: to these regions' },
    {
      flags: '--mode <mode>',
      key: 'mode',
      about: 'blackhole drops all data; refuse closes and rejects connections',
      value: ['blackhole', 'refuse'],
      byDefault: 'blackhole',
    },
  ],
  check: (given: CutKeys): void => {
    if (isOneShape(shapesIn(given))) return;
    throw invalidOption(
      'expected exactly one of --isolate <regions>, --split <groups>, --bridge <a> <b>, or --from <regions> --to <regions>',
    );
  },
} as const;
