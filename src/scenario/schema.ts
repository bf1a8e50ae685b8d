import { z } from 'zod';
import { formatPolicy, parsePolicy } from '../core/policy.ts';
import { faultSchema } from './fault-schema.ts';
import { choice, decimal, duration, listOf, mapping, readBy, regionName, wholeNumber } from './fields.ts';

const PAIR = /^[a-z][a-z0-9-]{0,30}:[a-z][a-z0-9-]{0,30}$/;
const PAIR_ERROR = 'two regions written a:b, like us-east:eu-west';

const topologySchema = mapping({
  regions: listOf(regionName(), { what: 'regions', least: 1 })
    .default(['us-east', 'eu-west', 'ap-south'])
    .meta({ description: 'One to nine names; each region has one primary.' }),
  replicas: wholeNumber(0, 19)
    .default(1)
    .meta({ description: 'Replicas of each primary, in the regions that follow.' }),
  roundTrip: z
    .record(z.string().regex(PAIR), duration({ mostMs: 10_000 }), {
      error: `a mapping from ${PAIR_ERROR}, to a time`,
    })
    .prefault({})
    .meta({ description: 'There and back between two regions, like us-east:eu-west: 80ms.' }),
  jitter: duration({ mostMs: 10_000 })
    .prefault('0ms')
    .meta({ description: 'How much each delay varies, both ways.' }),
  persistence: choice(['none', 'aof'])
    .default('none')
    .meta({ description: 'What a restarted node remembers: nothing, or every write it acknowledged.' }),
  nodeTimeout: duration({ leastMs: 100, mostMs: 60_000 })
    .prefault('2s')
    .meta({ description: 'After this a silent node is suspected.' }),
})
  .transform(({ roundTrip, jitter, persistence, nodeTimeout, ...rest }) => ({
    ...rest,
    ...{ roundTripMs: roundTrip, jitterMs: jitter, persistence, nodeTimeoutMs: nodeTimeout },
  }))
  .prefault({})
  .meta({ description: 'The regions, their Redis nodes and the network between them.' });

const COST = 'a whole number of tokens, at least 1, or a list of them';
const cost = z.number({ error: COST }).int({ error: COST }).min(1, { error: COST });

const restingSchema = mapping({
  share: decimal(0, 1).default(0.1).meta({ description: 'The share of users who rest, 0 to 1.' }),
  rest: duration({ leastMs: 1 })
    .prefault('4s')
    .meta({ description: 'The longest rest; each user has a length of its own, from a quarter of this.' }),
  burst: duration({ leastMs: 1 })
    .prefault('500ms')
    .meta({ description: 'How long they send between two rests, as much as others do in both.' }),
})
  .transform(({ share, rest, burst }) => ({ share, restMs: rest, burstMs: burst }))
  .meta({
    description:
      'Users who rest and come back in bursts: it shows a bucket that is forgotten before it is full.',
  });

const loadSchema = mapping({
  mode: choice(['closed', 'open']).default('closed').meta({
    description:
      'closed: each connection sends when it was answered; open: requests start at a constant rate.',
  }),
  connections: wholeNumber(1, 10_000)
    .default(1_000)
    .meta({ description: 'Concurrent users; of an open load the most requests in flight.' }),
  rate: decimal(0.1, 1_000_000)
    .optional()
    .meta({ description: 'Requests started a second over all regions; of an open load only.' }),
  users: wholeNumber(1, 1_000_000).default(200).meta({ description: 'Distinct users, a bucket each.' }),
  skew: decimal(0, 5)
    .default(0.7)
    .meta({ description: 'Zipf exponent of how often each user is drawn; 0 is uniform.' }),
  roaming: decimal(0, 1)
    .default(0.2)
    .meta({ description: 'The share of users who come from every region, 0 to 1.' }),
  cost: z
    .union([cost, z.array(cost).min(1, { error: COST })], { error: COST })
    .default(1)
    .transform((costs) => (typeof costs === 'number' ? [costs] : costs))
    .meta({ description: 'Tokens a request asks for; of a list each is as likely.' }),
  resting: restingSchema.optional(),
  ramp: duration().prefault('2s').meta({ description: 'Users arrive one after another during this time.' }),
  duration: duration({ leastMs: 100 }).prefault('20s').meta({ description: 'How long requests are sent.' }),
})
  .transform(({ cost: costs, ramp, duration: length, ...rest }) => ({
    ...rest,
    ...{ costs, rampMs: ramp, durationMs: length },
  }))
  .prefault({})
  .meta({ description: 'Who sends what, how much and for how long.' });

const LIMITER = 'the file of a plug-in, like ./mine.mjs';

/** What the schema cannot know by itself. */
export interface SchemaRules {
  /** The names of all strategies; one that is not among them is refused. */
  readonly strategies: readonly [string, ...string[]];
  /** Throws an OpenclawError for text that is no claim. */
  readonly parseClaim: (text: string) => unknown;
}

/** The schema of a scenario's file, each section by its name. */
export function scenarioSchema({ strategies, parseClaim }: SchemaRules) {
  const claim = readBy((text) => {
    parseClaim(text);
    return text;
  }, 'a claim like total-excess <= 0').meta({
    description:
      'Like total-excess <= bound, false-denials <= 0 or p99(allowed) <= 250ms; "... during partition" of one phase.',
  });
  return mapping({
    seed: wholeNumber(0, 2 ** 32 - 1)
      .default(1)
      .meta({ description: 'The number all randomness comes from; --seed takes precedence.' }),
    topology: topologySchema,
    policy: readBy((text) => formatPolicy(parsePolicy(text)), 'a policy as capacity:rate, like 20:5/s')
      .prefault('20:5/s')
      .meta({ description: 'What each user may do, as capacity:rate, like 20:5/s or 100:100/min.' }),
    strategy: choice(strategies).default('central').meta({ description: 'How regions share one bucket.' }),
    limiter: z.string({ error: LIMITER }).min(1, { error: LIMITER }).optional().meta({
      description: 'Instead of a strategy: a plug-in that exports createLimiter, relative to this file.',
    }),
    onFailure: choice(['closed', 'open', 'local-share']).default('closed').meta({
      description:
        'What services answer while their Redis cannot decide: 503, anything goes, or by an equal share of each region.',
    }),
    load: loadSchema,
    faults: listOf(faultSchema, { what: 'faults', least: 0 })
      .default([])
      .meta({ description: 'What is done to the system, and when.' }),
    claims: listOf(claim, { what: 'claims', least: 1 }).meta({ description: 'What the run must show.' }),
  }).meta({
    title: 'openclaw-rl scenario',
    description:
      "One run: its regions, policy, load, faults and claims. The file's first line is a comment that says why anyone should care.",
  });
}

export type ScenarioSchema = ReturnType<typeof scenarioSchema>;

/** A scenario as users write it. */
export type ScenarioInput = z.input<ScenarioSchema>;
