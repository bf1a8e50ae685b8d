import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import type { AckOptions } from './port.ts';

const MOST_REPLICAS = 100;
const MOST_LANES = 64;
const DEFAULT_LANES = 8;

/** Checks the options, and adds the default. Throws INVALID_OPTION. */
export function checkAcks({ replicas, lanes = DEFAULT_LANES }: AckOptions): Required<AckOptions> {
  if (!isCount(lanes, { least: 1, most: MOST_LANES }))
    throw invalidOption(
      `lanes must be 1 to ${MOST_LANES}; found ${quoted(lanes)}`,
      `the default is ${DEFAULT_LANES}`,
    );
  return { replicas: checkReplicaCount(replicas, { least: 1 }), lanes };
}

/** Checks a number of replicas. Throws INVALID_OPTION. */
export function checkReplicaCount(replicas: number, { least }: { readonly least: 0 | 1 }): number {
  if (isCount(replicas, { least, most: MOST_REPLICAS })) return replicas;
  throw invalidOption(
    `replicas must be ${least} to ${MOST_REPLICAS}; found ${quoted(replicas)}`,
    'set replicas to the number of promotable replicas of each primary',
  );
}

function isCount(count: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return Number.isSafeInteger(count) && count >= least && count <= most;
}
