import { z } from 'zod';
import { BOARD_TOPOLOGIES } from '../../core/board-terms.ts';
import { OpenclawError } from '../../core/errors.ts';
import { CELL_STATUSES, type Scoreboard } from './scoreboard.ts';

const share = z.object({ total: z.number(), judged: z.number() });

const limiter = z.object({
  id: z.string(),
  isOurs: z.boolean(),
  ...{ promise: z.string(), version: z.string(), name: z.string(), language: z.string() },
  ...{ setting: z.string(), documentation: z.array(z.string()), says: z.string() },
  covers: z.array(z.string()),
  topology: z.enum(BOARD_TOPOLOGIES),
  shim: z.string().exactOptional(),
  code: z.string().exactOptional(),
});

const figures = z.object({
  excess: z.object({
    of: z.enum(['windows', 'total', 'window']),
    tokens: z.number(),
    declared: z.number().nullable(),
    windows: z.number().exactOptional(),
  }),
  falseDenials: share.nullable(),
  decided: z.number().min(0).max(1).nullable(),
  undecided: z.record(z.string(), z.number()).exactOptional(),
  dropped: z.number().exactOptional(),
  dishonest: share,
  ...{ p50Us: z.number().nullable(), p99Us: z.number().nullable(), requests: z.number() },
});

const operation = z.object({
  ...{ operation: z.number(), region: z.string(), outcome: z.string() },
  ...{ fromS: z.number(), toS: z.number().nullable() },
});

const cell = z.object({
  ...{ limiter: z.string(), scenario: z.string() },
  status: z.enum(CELL_STATUSES),
  reason: z.string(),
  figures: figures.nullable(),
  witness: z
    .object({ text: z.string(), bucket: z.string(), operations: z.array(operation), more: z.number() })
    .nullable(),
  ...{ command: z.string(), seed: z.number(), startedAt: z.string(), system: z.string() },
  history: z
    .object({
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      ...{ bytes: z.number(), operations: z.number() },
    })
    .nullable(),
});

const scoreboard = z.object({
  format: z.literal('openclaw-scoreboard'),
  version: z.literal(1),
  ...{ program: z.string(), command: z.string(), machine: z.string() },
  scenarios: z.array(
    z.object({ id: z.string(), title: z.string(), about: z.string(), code: z.string().exactOptional() }),
  ),
  limiters: z.array(limiter),
  cells: z.array(cell),
});

/** Reads the text of a `scoreboard.json`; `name` is that of the file. Throws INVALID_REPORT. */
export function parseScoreboard(text: string, name: string): Scoreboard {
  const result = scoreboard.safeParse(parseJson(text, name));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(name, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not a scoreboard'}`);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(name, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What to do instead of naming another file. */
export const NAME_ONE = 'name the scoreboard.json of a folder of scoreboard';

function invalid(name: string, why: string): OpenclawError {
  return new OpenclawError('INVALID_REPORT', `${name} is no scoreboard: ${why}`, { hint: NAME_ONE });
}
