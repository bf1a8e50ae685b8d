import { z } from 'zod';
import type { FaultSpec, PartitionShape } from './fault-spec.ts';
import {
  areDifferent,
  byteRate,
  choice,
  drawnDuration,
  duration,
  type IssueDetail,
  listOf,
  mapping,
  regionList,
  regionName,
  signedDuration,
  twoRegions,
} from './fields.ts';
import type { MsRange } from './units.ts';

/** A fault whose times are still to be drawn: from `at` after the load began, healed `for` later. */
export type UndrawnFault = FaultSpec & { readonly at: MsRange; readonly for: MsRange };

const timing = {
  at: drawnDuration().meta({
    description:
      'When it is injected, after the load began: a time, or a range it is drawn from, like 3s..6s.',
  }),
  for: drawnDuration({ mustLast: true }).meta({
    description:
      'How long until it is healed: a time, or a range. All faults are healed before the load ends.',
  }),
};

const kind = <const Name extends FaultSpec['fault']>(name: Name, description: string) =>
  z.literal(name, { error: name }).meta({ description });

const cut = {
  mode: choice(['blackhole', 'refuse']).default('blackhole').meta({
    description:
      'blackhole: connections open and nothing comes through; refuse: new connections fail at once.',
  }),
  isolate: regionList().optional().meta({ description: 'Cut these regions from all others, both ways.' }),
  split: listOf(regionList(), { what: 'groups of regions', least: 2 })
    .refine((groups) => areDifferent(groups.flat()), { error: 'groups that share no region' })
    .optional()
    .meta({ description: 'Cut each group from every other; a region in no group is cut from nobody.' }),
  from: regionList().optional().meta({ description: 'Cut one way only: what flows from these regions...' }),
  to: regionList().optional().meta({ description: '...to these.' }),
  bridge: twoRegions()
    .optional()
    .meta({ description: 'Cut these two from each other; both still reach the rest.' }),
};

/** In JSON Schema: exactly one of the shapes. */
const ONE_SHAPE = {
  oneOf: [['isolate'], ['split'], ['from', 'to'], ['bridge']].map((required) => ({ required })),
};

type CutKeys = { readonly [Key in 'isolate' | 'split' | 'from' | 'to' | 'bridge']?: unknown };

function hasOneShape(value: CutKeys, context: z.RefinementCtx): void {
  const given = (['isolate', 'split', 'from', 'to', 'bridge'] as const).filter(
    (key) => value[key] !== undefined,
  );
  if (given.join() === 'from,to' || (given.length === 1 && given[0] !== 'from' && given[0] !== 'to')) return;
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

/** `hasOneShape` holds. */
function shapeOf({ isolate, split, from = [], to = [], bridge }: Cut): PartitionShape {
  if (isolate !== undefined) return { isolate };
  if (split !== undefined) return { split };
  return bridge === undefined ? { from, to } : { bridge };
}

const node = z
  .string({ error: "a node's name, like us-east-0" })
  .meta({ description: 'Named <region>-<k>: primaries are k = 0, replicas take the next numbers.' });
const between = twoRegions().meta({ description: 'The two regions, both ways.' });

const FAULTS = {
  partition: mapping({ fault: kind('partition', 'Cut regions from each other.'), ...timing, ...cut })
    .superRefine(hasOneShape)
    .meta(ONE_SHAPE)
    .transform(({ fault, at, for: length, mode, ...rest }) => ({
      ...{ fault, at, for: length, mode },
      ...shapeOf(rest),
    })),
  flap: mapping({
    fault: kind('flap', 'A partition that comes and goes; every length varies by up to half of it.'),
    ...timing,
    ...cut,
    down: duration({ leastMs: 10 }).meta({ description: 'How long each cut lasts, about.' }),
    up: duration({ leastMs: 10 }).meta({ description: 'How long each pause between cuts lasts, about.' }),
  })
    .superRefine(hasOneShape)
    .meta(ONE_SHAPE)
    .transform(({ fault, at, for: length, mode, down, up, ...rest }) => ({
      ...{ fault, at, for: length, mode, downMs: down, upMs: up },
      ...shapeOf(rest),
    })),
  latency: mapping({
    fault: kind('latency', 'Slow the link of two regions down.'),
    ...timing,
    between,
    add: duration({ mostMs: 60_000 }).meta({ description: 'Added to each direction.' }),
    jitter: duration({ mostMs: 60_000 })
      .prefault('0ms')
      .meta({ description: 'Each delay varies by up to this, both ways.' }),
    ramp: duration().prefault('0ms').meta({ description: 'It grows from nothing during this time.' }),
  }).transform(({ add, jitter, ramp, ...rest }) => ({
    ...rest,
    ...{ addMs: add, jitterMs: jitter, rampMs: ramp },
  })),
  bandwidth: mapping({
    fault: kind('bandwidth', 'Let each connection between two regions carry little.'),
    ...timing,
    between,
    rate: byteRate().meta({ description: 'For each connection, in kilobytes of 1,000 bytes.' }),
  }).transform(({ rate, ...rest }) => ({ ...rest, rateKBps: rate })),
  'drop-reply': mapping({
    fault: kind('drop-reply', 'Requests arrive abroad, the replies to them do not come back.'),
    ...timing,
    regions: regionList().meta({ description: 'The regions whose requests get no reply.' }),
  }),
  kill: mapping({
    fault: kind('kill', 'SIGKILL a node; it is started again, with what it remembers, when healed.'),
    ...timing,
    node,
  }),
  restart: mapping({
    fault: kind('restart', 'SIGKILL a primary; it is started again once its replica has been promoted.'),
    ...timing,
    node,
  }),
  'restart-empty': mapping({
    fault: kind('restart-empty', 'SIGKILL a node and start it at once with nothing.'),
    ...timing,
    node,
  }),
  pause: mapping({
    fault: kind('pause', 'SIGSTOP a node; SIGCONT when healed.'),
    ...timing,
    node,
  }),
  failover: mapping({
    fault: kind('failover', 'An ordered failover: this replica becomes the primary.'),
    ...timing,
    node,
  }),
  'gateway-clock': mapping({
    fault: kind('gateway-clock', "The clock of a region's Rating service is off."),
    ...timing,
    region: regionName().meta({ description: 'Whose service.' }),
    offset: signedDuration().meta({ description: 'How far ahead; negative is behind.' }),
  }).transform(({ offset, ...rest }) => ({ ...rest, offsetMs: offset })),
  'node-clock': mapping({
    fault: kind('node-clock', 'The clock of a Redis node steps, and steps back when healed.'),
    ...timing,
    node,
    step: signedDuration().meta({ description: 'How far forward; negative is back.' }),
  }).transform(({ step, ...rest }) => ({ ...rest, stepMs: step })),
} as const satisfies { readonly [Name in FaultSpec['fault']]: z.ZodType<UndrawnFault & { fault: Name }> };

/** One fault as users write it. */
export const faultSchema = z.discriminatedUnion(
  'fault',
  [
    FAULTS.partition,
    FAULTS.latency,
    FAULTS.bandwidth,
    FAULTS['drop-reply'],
    FAULTS.flap,
    FAULTS.kill,
    FAULTS.restart,
    FAULTS['restart-empty'],
    FAULTS.pause,
    FAULTS.failover,
    FAULTS['gateway-clock'],
    FAULTS['node-clock'],
  ],
  { error: `one of ${Object.keys(FAULTS).join(', ')}` },
);
