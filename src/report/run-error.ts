import { z } from 'zod';
import { parseClaim } from '../checker/claims/claim.ts';
import { isOnCorrectness } from '../checker/claims/evidence-claims.ts';

export const ERROR_FILE = 'error.json';

const runError = z.object({
  format: z.literal('openclaw-run-error'),
  version: z.literal(1),
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  command: z.string().describe('makes the run again'),
});

/** `error.json`: why a run has no report. */
export type RunError = z.infer<typeof runError>;

export function makeRunError(error: Omit<RunError, 'format' | 'version'>): RunError {
  return { format: 'openclaw-run-error', version: 1, ...error };
}

/** Reads the text of an `error.json`; undefined if it is none. */
export function parseRunError(text: string): RunError | undefined {
  return runError.safeParse(parsed(text)).data;
}

/** The claims on correctness in the text of a `plan.json` that allow more than none, which `check` does not know. */
export function generousClaims(text: string): string[] {
  const claims = z.looseObject({ claims: z.array(z.string()) }).safeParse(parsed(text)).data?.claims ?? [];
  return claims.filter((claim) => {
    try {
      const parsedClaim = parseClaim(claim);
      return isOnCorrectness(parsedClaim) && parsedClaim.limit > 0;
    } catch {
      return false;
    }
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
