import { z } from 'zod';
import { parseClaim } from '../checker/claims/claim.ts';
import { given } from '../core/given.ts';
import { MOST_POLICIES, POLICY_NAME, POLICY_NAME_FORM } from '../core/policies.ts';
import { formatPolicy, parsePolicy } from '../core/policy.ts';
import { DEFAULT_STRATEGY, STRATEGY_NAMES } from '../core/strategies.ts';
import { DEFAULT_LOAD, DEFAULT_POLICY, DEFAULT_RESTING, DEFAULT_SEED, LIMITS, TIMES } from './defaults.ts';
import { faultSchema } from './faults/index.ts';
import {
  choice,
  decimal,
  duration,
  type IssueDetail,
  listOf,
  mapping,
  readBy,
  wholeNumber,
} from './fields.ts';
import type { LoadPlan } from './plan.ts';
import { recordedLogSchema } from './recorded-log.ts';
import { topologySchema } from './topology-schema.ts';
import { formatDuration } from './units.ts';

const COST = 'a whole number of tokens, at least 1, or a list of them';
const tokens = z.number({ error: COST }).int({ error: COST }).min(1, { error: COST });
const cost = z.union([tokens, z.array(tokens).min(1, { error: COST })], { error: COST });
const ACTUAL = 'a whole number of tokens, at least 0, or a list of them';
const actual = z.number({ error: ACTUAL }).int({ error: ACTUAL }).min(0, { error: ACTUAL });
const policyName = z.string().regex(POLICY_NAME, { error: POLICY_NAME_FORM });

const listed = (costs: number | readonly number[]) => (typeof costs === 'number' ? [costs] : costs);

/** What a policy without a cost of its own costs is in `costs`. */
function readCosts(
  costs: number | readonly number[] | Readonly<Record<string, number | readonly number[]>>,
): Pick<LoadPlan, 'costs' | 'costsByPolicy'> {
  if (typeof costs === 'number' || isList(costs)) return { costs: listed(costs) };
  const entries = Object.entries(costs).map(([name, each]) => [name, listed(each)] as const);
  return { costs: [DEFAULT_LOAD.cost], costsByPolicy: Object.fromEntries(entries) };
}

const isList = (value: object): value is readonly number[] => Array.isArray(value);

const restingSchema = mapping({
  share: decimal(...LIMITS.share)
    .default(DEFAULT_RESTING.share)
    .meta({ description: 'The share of users who rest, 0 to 1.' }),
  rest: duration(TIMES.rest)
    .prefault('4s')
    .meta({ description: 'The longest rest; each user has a length of its own, from a quarter of this.' }),
  burst: duration(TIMES.rest)
    .prefault(formatDuration(DEFAULT_RESTING.burstMs))
    .meta({ description: 'How long each burst lasts; a burst makes up for the requests of the rest.' }),
})
  .transform(({ share, rest, burst }) => ({ share, restMs: rest, burstMs: burst }))
  .meta({
    description:
      'Users who rest and come back in bursts; they show buckets that expire before they are full.',
  });

const peaksSchema = mapping({
  rate: decimal(...LIMITS.rate).meta({ description: 'Requests started per second while a peak lasts.' }),
  every: duration(TIMES.rest).meta({ description: 'The length of a period, which ends with its peak.' }),
  for: duration(TIMES.rest).meta({ description: 'How long each peak lasts; shorter than a period.' }),
})
  .transform(({ rate, every, for: length }) => ({ ratePerSecond: rate, everyMs: every, forMs: length }))
  .meta({ description: 'Times of a higher rate, one in each period; needs mode: open.' });

const loadSchema = mapping({
  mode: choice(['closed', 'open']).default('closed').meta({
    description:
      'closed: each connection sends its next request when the last one is answered; open: requests start at a constant rate.',
  }),
  from: recordedLogSchema.optional(),
  connections: wholeNumber(...LIMITS.connections)
    .default(DEFAULT_LOAD.connections)
    .meta({ description: 'Concurrent connections; with mode: open, the most requests in flight.' }),
  processes: wholeNumber(...LIMITS.processes)
    .optional()
    .meta({
      description:
        'Processes that send the requests, at most one for each region; default: one for each region if the machine has two cores for each, else 1.',
    }),
  rate: decimal(...LIMITS.rate)
    .optional()
    .meta({ description: 'Requests started per second over all regions; needs mode: open.' }),
  peaks: peaksSchema.optional(),
  users: wholeNumber(...LIMITS.users)
    .default(DEFAULT_LOAD.users)
    .meta({ description: 'Number of distinct users; each has a bucket.' }),
  skew: decimal(...LIMITS.skew)
    .default(DEFAULT_LOAD.skew)
    .meta({ description: 'Zipf exponent of how often each user is drawn; 0 is uniform.' }),
  roaming: z
    .union([z.literal('auto'), decimal(...LIMITS.share)], { error: 'auto, or a number from 0 to 1' })
    .default(DEFAULT_LOAD.roaming)
    .meta({
      description:
        'The share of users who send from every region, 0 to 1; auto: the 20 busiest users do, of fewer users all.',
    }),
  cost: z
    .union([cost, z.record(z.string(), cost)], { error: COST })
    .default(DEFAULT_LOAD.cost)
    .transform(readCosts)
    .meta({
      description:
        'Tokens per request; in a list, each value is equally likely. By the name of a policy, a missing one costs 1.',
    }),
  actual: z
    .union([actual, z.array(actual).min(1, { error: ACTUAL })], { error: ACTUAL })
    .optional()
    .meta({
      description:
        'Tokens that a request really costs, in a list each equally likely: it reserves `cost` and is settled at this.',
    }),
  resting: restingSchema.optional(),
  ramp: duration(TIMES.ramp)
    .prefault(formatDuration(DEFAULT_LOAD.rampMs))
    .meta({ description: 'Users arrive one after another during this time.' }),
  warmUp: duration(TIMES.warmUp).optional().meta({
    description:
      'With --simulate: how long requests to buckets that are not judged open the connections; default 1s. A real run always takes 2 s, since its processes are new.',
  }),
  duration: duration(TIMES.duration)
    .optional()
    .meta({
      description: `How long requests are sent; default ${formatDuration(DEFAULT_LOAD.durationMs)}, of a log its whole length.`,
    }),
})
  .transform(
    ({
      mode,
      from,
      connections,
      processes,
      rate,
      peaks,
      resting,
      cost,
      actual,
      ramp,
      warmUp,
      duration: length,
      ...rest
    }): LoadPlan => ({
      ...{
        mode: from === undefined ? mode : 'open',
        connections,
        ...given({ processes, ratePerSecond: rate, peaks }),
        ...rest,
      },
      ...{ ...cost, rampMs: ramp, ...given({ warmUpMs: warmUp, resting, log: from }) },
      ...given({ actuals: actual === undefined ? undefined : listed(actual) }),
      durationMs: length ?? (from === undefined ? DEFAULT_LOAD.durationMs : TIMES.duration.mostMs),
    }),
  )
  .prefault({})
  .meta({ description: 'The requests: how many users, at which rate, for how long.' });

const LIMITER = 'the file of a plug-in, like ./mine.mjs, or a command, like { command: [python3, mine.py] }';
const PROGRAM = 'a list of texts, the program first, like [python3, mine.py]';

const commandLimiter = mapping({
  command: z
    .array(z.string({ error: PROGRAM }), { error: PROGRAM })
    .min(1, { error: PROGRAM })
    .meta({ description: 'The program and its arguments; it runs in the folder of this file.' }),
  promise: z.string({ error: 'a promise like token-bucket' }).optional().meta({
    description:
      'What it guarantees, like fixed-window:{capacity}/{fillMs}ms:first, with the tokens of the policy and the time in which they come back.',
  }),
  severalPolicies: z
    .boolean({ error: 'true or false' })
    .optional()
    .meta({ description: 'Whether it enforces several policies.' }),
});

const claim = readBy((text) => {
  parseClaim(text);
  return text;
}, 'a claim like total-excess <= 0').meta({
  description:
    'Like total-excess <= bound, total-excess <= 10%, false-denials <= 0 or p99(allowed) <= 250ms; add "during partition" for one phase.',
});

function policyText() {
  return readBy((text) => formatPolicy(parsePolicy(text)), 'a policy as capacity:rate, like 20:5/s');
}

const POLICIES = `a mapping of 2 to ${MOST_POLICIES} policies, each by its name, like burst: 10:10/s`;

/** The schema of a scenario's file, each section by its name. */
export const scenarioSchema = mapping({
  seed: wholeNumber(0, 2 ** 32 - 1)
    .default(DEFAULT_SEED)
    .meta({ description: 'The seed of all random choices; --seed overrides it.' }),
  topology: topologySchema,
  policy: policyText()
    .prefault(DEFAULT_POLICY)
    .meta({ description: 'The limit of each user as capacity:rate, like 20:5/s or 100:100/min.' }),
  policies: z
    .record(policyName, policyText(), {
      error: ({ code }) => (code === 'invalid_key' ? POLICY_NAME_FORM : POLICIES),
    })
    .superRefine((policies, context) => {
      const { length } = Object.keys(policies);
      const params: IssueDetail = { found: String(length) };
      if (length < 2 || length > MOST_POLICIES)
        context.addIssue({ code: 'custom', message: POLICIES, params });
    })
    .optional()
    .meta({
      description:
        'Instead of policy: several by name, like burst: 10:10/s. A request is allowed if each of them allows it, and charges all of them or none.',
    }),
  strategy: choice(STRATEGY_NAMES)
    .default(DEFAULT_STRATEGY)
    .meta({ description: 'How the regions share one bucket.' }),
  limiter: z
    .union([z.string({ error: LIMITER }).min(1, { error: LIMITER }), commandLimiter], { error: LIMITER })
    .optional()
    .meta({
      description:
        'Instead of strategy: a module that exports createLimiter, or a YAML file with a command, by a path relative to this file; or the command itself.',
    }),
  onFailure: choice(['closed', 'open', 'local-share']).default('closed').meta({
    description:
      'What a service does while Redis cannot decide: closed answers 503, open allows, local-share uses an equal share of each service.',
  }),
  instances: wholeNumber(...LIMITS.instances)
    .default(1)
    .meta({
      description: 'Rating services of each region; its gateway sends requests to them in turn.',
    }),
  homes: z.boolean({ error: 'true or false' }).default(false).meta({
    description:
      "Each user has a home, the region that the seed draws for it; its bucket is on a primary of that region, and its name begins with the region's.",
  }),
  sample: decimal(...LIMITS.sample)
    .optional()
    .meta({
      description:
        'With --simulate: the share of the buckets whose requests are recorded and judged, drawn by the seed. The verdict is at best unknown.',
    }),
  load: loadSchema,
  faults: listOf(faultSchema, { what: 'faults', least: 0 })
    .default([])
    .meta({ description: 'The faults to inject, and when.' }),
  claims: listOf(claim, { what: 'claims', least: 1 }).meta({ description: 'The claims to check.' }),
}).meta({
  title: 'openclaw-rl scenario',
  description:
    'One run: its regions, policy, load, faults and claims. The first line of the file is a comment that describes the scenario.',
});
