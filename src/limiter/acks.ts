import { OpenclawError, quoted } from '../core/errors.ts';
import type { AckOptions } from './redis-port.ts';

const MOST_REPLICAS = 100;
const MOST_LANES = 64;
const DEFAULT_LANES = 8;

/** How many replicas must have a write. Throws INVALID_OPTION. */
export function checkAcks({ replicas, lanes = DEFAULT_LANES }: AckOptions): Required<AckOptions> {
  const isCount = (count: number, most: number) => Number.isSafeInteger(count) && count >= 1 && count <= most;
  if (!isCount(lanes, MOST_LANES))
    throw new OpenclawError('INVALID_OPTION', `lanes: 1 to ${MOST_LANES}; found ${quoted(lanes)}`);
  if (isCount(replicas, MOST_REPLICAS)) return { replicas, lanes };
  throw new OpenclawError(
    'INVALID_OPTION',
    `writes can be acknowledged by 1 to ${MOST_REPLICAS} replicas; found ${quoted(replicas)}`,
    { hint: 'replicas: how many each primary has that could be promoted in its place' },
  );
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
