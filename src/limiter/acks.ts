import { OpenclawError, quoted } from '../core/errors.ts';
import type { AckOptions } from './redis-port.ts';

const MOST_REPLICAS = 100;
const MOST_LANES = 64;
const DEFAULT_LANES = 8;

/** How many replicas must have a write. Throws INVALID_OPTION. */
export function checkAcks({ replicas, lanes = DEFAULT_LANES }: AckOptions): Required<AckOptions> {
  if (!isCount(lanes, { least: 1, most: MOST_LANES }))
    throw new OpenclawError('INVALID_OPTION', `lanes: 1 to ${MOST_LANES}; found ${quoted(lanes)}`, {
      hint: `the default is ${DEFAULT_LANES}`,
    });
  return { replicas: checkReplicaCount(replicas, { least: 1 }), lanes };
}

/** A number of replicas, 0 only where none need be waited for. Throws INVALID_OPTION. */
export function checkReplicaCount(replicas: number, { least }: { readonly least: 0 | 1 }): number {
  if (isCount(replicas, { least, most: MOST_REPLICAS })) return replicas;
  throw new OpenclawError(
    'INVALID_OPTION',
    `writes can be acknowledged by ${least} to ${MOST_REPLICAS} replicas; found ${quoted(replicas)}`,
    { hint: 'replicas: how many each primary has that could be promoted in its place' },
  );
}

function isCount(count: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return Number.isSafeInteger(count) && count >= least && count <= most;
}

/** What `acks` says, and NOT_ACKED where it says nothing by `deadlineMs` of `performance.now()`. */
export async function ackedBy(
  deadlineMs: number,
  acks: Promise<void> | undefined,
  node: string,
): Promise<void> {
  if (acks === undefined) throw new OpenclawError('NOT_ACKED', `no WAIT followed a write to ${node}`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () =>
      reject(new OpenclawError('NOT_ACKED', `the replicas of ${node} did not confirm a write in time`));
    timer = setTimeout(giveUp, Math.max(1, deadlineMs - performance.now()));
  });
  try {
    await Promise.race([acks, late]);
  } finally {
    clearTimeout(timer);
  }
}
