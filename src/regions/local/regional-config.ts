import { z } from 'zod';
import { environmentFailed } from '../../core/errors.ts';
import type { RegionalConfig } from './toxiproxy-process.ts';

const port = z.number().int().min(1).max(65_535);
const address = z.string().regex(/^[^:]+:\d{1,5}$/, 'expected host:port');

const regionalConfig = z.object({
  seed: z.number(),
  regions: z
    .array(z.object({ name: z.string(), sources: z.string(), api: z.object({ host: z.string(), port }) }))
    .min(1),
  routes: z.array(z.object({ listen: address, upstream: address })),
}) satisfies z.ZodType<RegionalConfig>;

/** Reads the file that `up` wrote. Throws ENVIRONMENT_FAILED that names the part that is missing or wrong. */
export function parseRegionalConfig(text: string, file: string): RegionalConfig {
  const { data, error } = regionalConfig.safeParse(parseJson(text));
  if (error === undefined) return data;
  const [issue] = error.issues;
  const where = z.core.toDotPath(issue?.path ?? []) || 'the file';
  throw environmentFailed(
    `${file} is damaged: ${where}: ${issue?.message}`,
    'start the cluster again, which writes it: openclaw-rl down && openclaw-rl up',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
