import { z } from 'zod';
import { LIE_REASONS } from '../checker/stated/lies.ts';
import { OUTCOMES } from '../history/records/operation.ts';

export const verdict = z.enum(['pass', 'fail', 'unknown']);

/** The schemas of findings in `report.json`. */
export const outcome = z.enum(OUTCOMES);
const operation = z.object({ file: z.string(), index: z.number() });
const moment = z.object({ atUs: z.number(), operation, tokens: z.number() });

const returned = z.object({
  ...{ outcome: z.enum(['allowed', 'failed', 'info']), tokens: z.number() },
  ...{ invokedUs: z.number(), lastUs: z.number().nullable() },
});

const witness = z.object({
  operation,
  region: z.string(),
  instance: z.string().exactOptional().describe('the service of the region, where it has several'),
  outcome,
  cost: z.number(),
  invokedUs: z.number(),
  lastUs: z.number().nullable().describe('null: its end is unknown'),
  returned: z
    .array(returned)
    .exactOptional()
    .describe(
      'of a reservation: what came back at its settlement (allowed), did not (failed) or may have (info)',
    ),
  stated: z
    .object({
      ...{ remaining: z.number().exactOptional(), limit: z.number().exactOptional() },
      ...{ retryAfterS: z.number().exactOptional(), retryAtS: z.number().exactOptional() },
      ...{ reset: z.number().exactOptional(), resetForm: z.enum(['delta', 'any']).exactOptional() },
      windowS: z.number().exactOptional(),
    })
    .exactOptional()
    .describe('of a stated value: the values of the reply'),
  decision: z.object({ node: z.string(), bucketUs: z.number(), level: z.number() }).exactOptional(),
});

const finding = z.object({
  kind: z.enum(['over-admission', 'false-denial', 'replay', 'window', 'dishonest']),
  reason: z.enum(LIE_REASONS).exactOptional().describe('what is wrong with a stated value'),
  bucket: z.string(),
  policy: z.string().exactOptional().describe('the name of its policy, if that has one'),
  count: z.number(),
  first: moment,
  worst: moment,
  last: moment,
  inequality: z.string().describe('what is broken, with its numbers'),
  witness: z.array(witness),
  witnessCount: z
    .number()
    .exactOptional()
    .describe('operations that prove it, if witness has only the first and the last two of them'),
});

export const overFinding = finding.extend({
  totalExcess: z.number(),
  worstWindow: z.number(),
  window: z.object({
    startUs: z.number(),
    endUs: z.number(),
    operations: z.number(),
    admitted: z.number(),
    allowance: z.number(),
  }),
});

export const worstBucket = z.object({
  ...{ bucket: z.string(), policy: z.string().exactOptional() },
  ...{ totalExcess: z.number(), worstWindow: z.number() },
});

const counts = z.object({ buckets: z.number(), busiest: z.number(), ofBusiest: z.number() });

const contested = counts.extend({
  least: counts
    .extend({ policy: z.string() })
    .exactOptional()
    .describe('of several policies, the one that was at its limit in the fewest of its busiest buckets'),
});

const sides = z
  .object({
    count: z.number(),
    joined: z.number().describe('those that were seen to count together, or 0'),
    leftOut: z.array(z.string()).describe('the others by name: region, or region and instance'),
    neverMet: z
      .literal(true)
      .exactOptional()
      .describe('some of these were not asked for a contested bucket for which another side was asked'),
    policy: z.string().exactOptional().describe('of several policies, the one in which most are left out'),
  })
  .describe('regions, targets and instances; absent if none is named, and in reports of earlier versions');

const exercises = z
  .array(
    z.object({
      isExercised: z.boolean(),
      about: z.string().describe('what was seen, or what may be'),
      wayOut: z.string().exactOptional().describe('what brings it, if it was not seen'),
    }),
  )
  .describe(
    'what the load asked (costs, policies, rests, returns after faults); absent without a plan or a fault, and in reports of earlier versions',
  );

export const found = z.object({ total: z.number(), buckets: z.number(), findings: z.array(finding) });

export const proofs = z
  .object({
    ...{ proved: z.number(), admissionsProved: z.number(), withinBound: z.number() },
    ...{ convicted: z.number(), open: z.number(), whyNone: z.string().exactOptional() },
  })
  .describe('buckets by what is proved of them; absent in reports of earlier versions');

/** Findings that missing requests can explain. */
export const doubt = z.object({
  ...{ buckets: z.number(), bucket: z.string(), total: z.number(), largest: z.number() },
  ...{ needed: z.number(), most: z.number() },
});

export const lost = z.object({
  from: z.string(),
  to: z.string(),
  atUs: z.number(),
  decisions: z.number(),
  tokens: z.number(),
  buckets: z.array(z.object({ bucket: z.string(), decisions: z.number(), tokens: z.number() })),
});

export const claim = z.object({
  claim: z.string(),
  kind: z.enum(['correctness', 'evidence', 'performance']),
  status: z.enum(['holds', 'broken', 'unknown']),
  verdict,
  unit: z.enum(['tokens', 'count', 'share', 'time', 'rate', 'bound']),
  measured: z.number().nullable().describe('in the unit of the claim; null: there was nothing to measure'),
  limit: z.number().nullable(),
  reason: z.string(),
});

export const falseDenials = found.extend({
  judged: z.number(),
  whyNot: z.string(),
  declaresAny: z.literal(true).exactOptional(),
  byFailurePolicy: z.number().exactOptional(),
  certain: z.number().exactOptional(),
  unexplained: z.number().exactOptional(),
  refutable: z
    .number()
    .exactOptional()
    .describe('denials that could have been found false, regardless of what had been spent; all if absent'),
});

/** The evidence of a report that is counted by bucket, side and what the load asks. */
export const evidenceFields = {
  contested,
  sides: sides.exactOptional(),
  exercises: exercises.exactOptional(),
};
