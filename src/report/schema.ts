import { z } from 'zod';
import { OpenclawError } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';
import type { Plan } from '../scenario/plan.ts';
import {
  claim,
  doubt,
  evidenceFields,
  falseDenials,
  found,
  lost,
  outcome,
  overFinding,
  proofs,
  verdict,
  worstBucket,
} from './finding-schema.ts';
import { headroom } from './headroom-schema.ts';
import { machineFields } from './machine-schema.ts';
import { parts } from './part-schema.ts';
import type { RunReport } from './report.ts';
import { floorFields, sample, shares } from './share-schema.ts';
import { simulationFields } from './simulation-schema.ts';

const counts = z.object({ allowed: z.number(), denied: z.number(), failed: z.number(), info: z.number() });
const errorCounts = z.record(z.string(), z.number());
const args = z.record(z.string(), z.unknown());
const latency = z.object({ count: z.number(), p50Us: z.number(), p99Us: z.number(), maxUs: z.number() });

const evidence = z.object({
  name: z.string(),
  operations: z.number(),
  outcomes: counts,
  admitted: z.number(),
  exactAdmitted: z.number().describe('what an ideal bucket would have admitted of the same operations'),
  excess: z.number(),
  largestExcess: z.number(),
  falseDenials: z.number(),
  judgedDenials: z.number(),
  replay: z.number(),
  replayed: z.number(),
  dishonest: z.number().default(0).describe('stated values that cannot be true'),
  stated: z.number().default(0).describe('decisions that stated something besides yes or no'),
  arrivals: z.number().describe('requests of an open load that were due, dropped ones included'),
  dropped: z.number(),
  contested: z.number(),
  latency: z.object({
    allowed: latency.exactOptional(),
    denied: latency.exactOptional(),
    failed: latency.exactOptional(),
    info: latency.exactOptional(),
    any: latency.exactOptional(),
  }),
  lengthUs: z.number(),
});

const measured = z.object({ bucket: z.string(), tokens: z.number() });

const shard = z.object({
  shard: z.string(),
  failovers: z.array(
    z.object({
      atUs: z.number(),
      node: z.string(),
      overlapUs: z.number(),
      clockAheadUs: z
        .number()
        .exactOptional()
        .describe('the most by which its clock can have been ahead of the clock of the node before it'),
    }),
  ),
  emptyRestarts: z.number(),
  clockStepsUs: z.array(z.number()),
  serviceClockSpreadUs: z.number(),
  fallbacks: z
    .array(
      z.object({
        region: z.string(),
        instance: z.string().exactOptional().describe('the service of the region, where it has several'),
        ...{ fromUs: z.number(), untilUs: z.number(), admissions: z.number() },
      }),
    )
    .exactOptional()
    .describe('when services decided by their failure policy; without admissions: a restart in between'),
  sideBySide: z
    .object({
      regions: z.number(),
      ageUs: z
        .number()
        .nullable()
        .describe('null: some admissions were decided before the admissions of all regions had arrived'),
      clockSpreadUs: z.number(),
    })
    .exactOptional(),
  policy: z.string(),
  buckets: z.number(),
  largestExcess: measured,
  worstWindow: measured,
  bound: z
    .object({
      totalExcess: z.number().nullable().describe('null: the strategy declares nothing'),
      worstWindow: z.number().nullable(),
      formula: z.string(),
    })
    .exactOptional(),
});

/** The parts of the plan that a reader of a report needs; the plan has a schema of its own. */
const plan = z.looseObject({
  format: z.literal('openclaw-plan'),
  version: z.literal(1),
  scenario: z.string(),
  seed: z.number(),
  policy: z.string(),
  strategy: z.string(),
  claims: z.array(z.string()),
});

/** `report.json`. Times are microseconds of the recorder's clock, amounts are tokens, unless a name says otherwise. */
const reportSchema = z
  .object({
    format: z.literal('openclaw-report'),
    version: z.literal(3),
    verdict,
    claims: z.array(claim),
    accounts: z.array(z.object({ verdict, reason: z.string() })),
    assumptions: z
      .array(z.string())
      .exactOptional()
      .describe('what the verdict assumes in addition to the history'),
    diagnosis: z.array(z.string()),
    reasons: z
      .array(z.object({ reason: z.string(), sentence: z.string() }))
      .exactOptional()
      .describe('the sentences of diagnosis that name a defect, with its code'),
    notes: z.array(z.string()).exactOptional().describe('what a reader should also know'),
    plan,
    command: z.string().describe('makes the run again'),
    seed: z.number(),
    startedAt: z.string(),
    originAt: z
      .string()
      .exactOptional()
      .describe('the date and time at which the times of the run are 0; absent: not known'),
    ...{ folder: z.string(), strategy: z.string(), policy: z.string() },
    policies: z.record(z.string(), z.string()).exactOptional().describe('by name, if there are several'),
    system: z.string(),
    ...simulationFields,
    loadMs: z.number(),
    requestsPerSecond: z.number(),
    loadProcesses: z.number().exactOptional().describe('how many processes sent the load'),
    redisCalls: z
      .number()
      .exactOptional()
      .describe('scripts and waits that the strategy sent to Redis during the load'),
    warmUp: z
      .object({ requests: z.number(), user: z.string() })
      .exactOptional()
      .describe('the requests that an audit sent before its load (part of sent), and their user'),
    latencies: z.array(z.object({ region: z.string(), outcome, latency })),
    worstBuckets: z.array(worstBucket),
    sent: z.number(),
    outcomes: counts,
    errors: z
      .object({ failed: errorCounts, info: errorCounts })
      .describe('errors by code: of failed requests, and of requests that may have been charged'),
    unaccounted: z.number(),
    sample: sample.exactOptional(),
    ended: z.boolean(),
    files: z.array(
      z.object({
        name: z.string(),
        operations: z.number(),
        sent: z.number().exactOptional(),
        truncatedLine: z.number().exactOptional(),
      }),
    ),
    parts: parts.exactOptional().describe('of a run whose load several processes sent: its books by part'),
    ...machineFields,
    troubles: z.array(z.string()),
    buckets: z.number(),
    ...evidenceFields,
    headroom,
    promise: z.string(),
    overAdmission: found.extend({
      findings: z.array(overFinding),
      totalExcess: z.number(),
      largestExcess: z.number(),
      worst: overFinding.exactOptional(),
    }),
    falseDenials,
    replay: found.extend({ replayed: z.number() }),
    dishonest: found
      .extend({ reasons: z.record(z.string(), z.number()) })
      .default({ total: 0, buckets: 0, findings: [], reasons: {} })
      .describe('stated values that cannot be true, a finding for each reason in each bucket'),
    windows: found,
    proofs: proofs.exactOptional(),
    doubts: z
      .partialRecord(z.enum(['overAdmission', 'falseDenials', 'replay', 'windows', 'dishonest']), doubt)
      .exactOptional()
      .describe('found, but explained if `needed` requests of a bucket are missing; `most` may be'),
    ...floorFields,
    shares: shares.exactOptional().describe('the bucket with the largest share of each kind'),
    lostDecisions: z.array(lost),
    shards: z.array(shard),
    whole: evidence,
    phases: z.array(evidence),
    regions: z.array(evidence),
    cells: z.array(evidence.extend({ phase: z.string(), region: z.string() })),
    faults: z.array(
      z.object({
        type: z.literal('fault'),
        fault: z.string(),
        phase: z.enum(['inject', 'heal', 'settled']),
        atUs: z.number(),
        args: args.exactOptional(),
        machine: z.string().exactOptional(),
      }),
    ),
    events: z.array(
      z.object({
        type: z.literal('event'),
        event: z.string(),
        atUs: z.number(),
        ...{ node: z.string().exactOptional(), machine: z.string().exactOptional() },
        args: args.exactOptional(),
      }),
    ),
    clock: z.object({
      epsilonUs: z.number(),
      rhoPpm: z.number(),
      slowPpm: z.number(),
      backwardUs: z.number(),
      spreadUs: z.number(),
      unseenBackwardUs: z.number().exactOptional().describe('the part of backwardUs that no reading shows'),
      steps: z.array(
        z.object({
          node: z.string(),
          atUs: z.number(),
          byUs: z.number(),
          fromUs: z.number().exactOptional(),
        }),
      ),
    }),
  })
  .meta({ title: 'openclaw-rl report' });

/** The JSON Schema of `report.json`, published as `reports/report.schema.json`. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema, { reused: 'ref', override: withOptionalDefaults });
}

/** A field with a default is absent from reports of earlier versions. */
function withOptionalDefaults({
  zodSchema,
  jsonSchema,
}: {
  readonly zodSchema: z.core.$ZodType;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  if (!(zodSchema instanceof z.ZodObject) || jsonSchema.required === undefined) return;
  const { shape } = zodSchema;
  jsonSchema.required = jsonSchema.required.filter((name) => !isDefault(shape[name]));
}

function isDefault(schema: unknown): boolean {
  return schema instanceof z.ZodDefault;
}

/** Reads the text of a `report.json`; `name` is that of the file. Throws INVALID_REPORT. */
export function parseReport(text: string, name: string): RunReport {
  const value = parseJson(text, name);
  const { format, version } = z.looseObject({}).catch({}).parse(value);
  if (format !== 'openclaw-report')
    throw invalid(name, `its format must be "openclaw-report"; found ${quoted(format)}`);
  if (version !== 3) throw invalid(name, `its version must be 3; found ${quoted(version)}`, 'run it again');
  const result = reportSchema.safeParse(value);
  if (result.success) {
    const stored: Omit<RunReport, 'plan'> = result.data;
    return { ...stored, plan: result.data.plan as unknown as Plan }; // checks only the parts that readers need
  }
  const [issue] = result.error.issues;
  throw invalid(name, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not a valid report'}`);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(name, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function invalid(name: string, why: string, hint?: string): OpenclawError {
  return new OpenclawError('INVALID_REPORT', `${name}: ${why}`, hint === undefined ? {} : { hint });
}
