import { OpenclawError } from '../../../core/errors.ts';
import type { Policy } from '../../../core/policy.ts';
import type { Time } from '../../../core/time.ts';
import { awayError } from '../../redis/errors.ts';
import { keySlot } from '../../redis/hash-slot.ts';
import type { RunWrites } from '../../redis/port.ts';
import { loadScript, policyArgs } from '../../redis/script.ts';
import { singleTakes, type TakeOne, type TakeReply } from './single-takes.ts';

/** About 200 us of the server's time, during which it serves no other command. */
const MOST_IN_A_BATCH = 64;

interface Waiting {
  readonly key: string;
  readonly policy: Policy;
  readonly costQuanta: number;
  resolve(reply: TakeReply): void;
  reject(error: unknown): void;
}

/**
 * Sends the takes of one turn of the event loop in one call of `lua/take-each.lua`; in a cluster, one call for each
 * slot. They are decided in their order, as single takes would be. An error fails all takes of a call. While their
 * slot is being migrated and the keys are on two nodes, each take is sent alone.
 */
export function batchTakes(
  run: RunWrites,
  { bySlot, time }: { readonly bySlot: boolean; readonly time: Time },
): TakeOne {
  const script = loadScript('take-each');
  const takeAlone = singleTakes(run);
  const gathered = new Map<number, Waiting[]>();

  async function ask(batch: readonly Waiting[]): Promise<void> {
    try {
      const args = batch.flatMap(({ policy, costQuanta }) => [...policyArgs(policy), String(costQuanta)]);
      const keys = batch.map(({ key }) => key);
      const { values, node, acked } = await run(script, keys, args);
      const admitted: { resolve(reply: TakeReply): void; reply: TakeReply }[] = [];
      for (const [i, { resolve, reject }] of batch.entries()) {
        const away = awayOf(values, i, node);
        const reply = replyOf(values, i, node);
        if (away !== undefined) reject(away);
        else if (reply.allowed && acked !== undefined) admitted.push({ resolve, reply });
        else resolve(reply);
      }
      if (admitted.length > 0) await acked?.();
      for (const { resolve, reply } of admitted) resolve(reply);
    } catch (error) {
      if (batch.length > 1 && isHalfMoved(error)) {
        for (const { key, policy, costQuanta, resolve, reject } of batch)
          takeAlone(key, policy, costQuanta).then(resolve, reject);
      } else for (const { reject } of batch) reject(error);
    }
  }

  function flush(): void {
    const batches = [...gathered.values()];
    gathered.clear();
    for (const batch of batches) void ask(batch);
  }

  return (key, policy, costQuanta) =>
    new Promise((resolve, reject) => {
      const slot = bySlot ? keySlot(key) : 0;
      const waiting = { key, policy, costQuanta, resolve, reject };
      const batch = gathered.get(slot);
      if (gathered.size === 0) time.soon(flush);
      if (batch === undefined) gathered.set(slot, [waiting]);
      else batch.push(waiting);
      if (batch?.length === MOST_IN_A_BATCH) {
        gathered.delete(slot);
        void ask(batch);
      }
    });
}

/** Redis did not run the script; a script on one key would follow its key. */
function isHalfMoved(error: unknown): boolean {
  return error instanceof OpenclawError && error.code === 'REDIS_SLOT_MOVING';
}

/** The error of a take whose bucket is a mark: 2 closed, 3 moved, and the move's number. */
function awayOf(values: readonly number[], i: number, node: string): OpenclawError | undefined {
  const [state = 0, move = 0] = values.slice(4 * i + 1, 4 * i + 3);
  return state < 2 ? undefined : awayError(state === 2 ? 'BUCKET_MOVING' : 'BUCKET_MOVED', move, node);
}

function replyOf(values: readonly number[], i: number, node: string): TakeReply {
  const [atUs = 0] = values;
  const [allowed, levelQuanta = 0, retryAfterUs = 0, aheadUs = 0] = values.slice(4 * i + 1, 4 * i + 5);
  return { allowed: allowed === 1, levelQuanta, retryAfterUs, atUs, bucketUs: atUs + aheadUs, node };
}
