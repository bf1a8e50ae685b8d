import { invalidOption } from '../../core/errors.ts';
import { rescaleLevel } from '../../core/rescale.ts';
import type { Time } from '../../core/time.ts';
import type { Limiter, Moved, NamedPolicy } from '../limiter.ts';
import type { Buckets } from '../options/buckets.ts';
import { recordKey } from '../options/key.ts';
import type { RunWrites } from '../redis/port.ts';
import { isForGood, refusedError } from './refusals.ts';
import { keepOf, readRehomeOptions } from './rehome-options.ts';
import {
  type LeaveArgs,
  type LeaveReply,
  type LeftLevel,
  type MoveKeys,
  type Refusal,
  type Steps,
  stepsBy,
} from './steps.ts';

export interface RehomingOptions extends Pick<Buckets, 'policiesOf' | 'homes'> {
  /** Runs a script; with `acked`, replies are used once the replicas have what it wrote. */
  readonly run: RunWrites;
  readonly lends: boolean;
  readonly time: Time;
}

/** While tokens are lent, a leave is repeated this often: processes may return them before their leases end. */
const LONGEST_WAIT_MS = 250;

/** Makes `rehome` of a limiter: the steps of protocol.ts, one after the other. */
export function rehoming({ run, lends, time, policiesOf, homes }: RehomingOptions): Limiter['rehome'] {
  const steps = stepsBy(run, { lends });
  return async (subject, options) => {
    const { from, to, move, keepMs } = readRehomeOptions(options);
    if (homes === undefined)
      throw invalidOption('rehome requires option homes', 'set homes: { ...table, regionOf }');
    const keysIn = (region: string | undefined): MoveKeys => {
      const key = homes.keyIn(subject, region);
      return [key, recordKey(key)];
    };
    const [old, next] = [keysIn(from), keysIn(to)];
    const policies = policiesOf(subject);
    const args = { move, keepMs: keepOf(keepMs, policies) };

    const closed = await steps.close(next, args);
    if (!isDone(closed.status)) throw refusedError(move, closed, to);
    const left = await leaving(steps, { time, old, policies, args: { ...args, to } });
    if (!isDone(left.status)) {
      if (isForGood(left.status as Refusal)) await steps.cancel(next, args);
      throw refusedError(move, left, from);
    }
    const opened = await steps.open(next, { ...args, levels: left.levels }, policies);
    if (!isDone(opened.status)) throw refusedError(move, opened, to);
    return movedOf(left.levels, policies, {
      nodes: { from: left.node, to: opened.node },
      ...(opened.status === 'repeated' && { isRepeated: true }),
    });
  };
}

const isDone = (status: string) => status === 'done' || status === 'repeated';

/** Repeats leave until no token is lent. */
async function leaving(
  steps: Steps,
  {
    time,
    old,
    policies,
    args,
  }: { time: Time; old: MoveKeys; policies: readonly NamedPolicy[]; args: LeaveArgs },
): Promise<LeaveReply> {
  for (;;) {
    const left = await steps.leave(old, args, policies);
    if (left.status !== 'lent') return left;
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.ceil(left.waitUs / 1_000));
    await new Promise<void>((resolve) => time.after(waitMs, resolve, { keepsRunning: true }));
  }
}

/** The levels that the bucket moved with, in the units of the policies of now. */
function movedOf(
  levels: readonly LeftLevel[],
  policies: readonly NamedPolicy[],
  rest: Pick<Moved, 'nodes' | 'isRepeated'>,
): Moved {
  const parts = policies.map(({ name, policy }, i) => {
    const { capacityQuanta, quantaPerToken } = policy;
    const left = levels[i] ?? { levelQuanta: capacityQuanta, quantaPerToken };
    const levelQuanta = rescaleLevel(left.levelQuanta, left.quantaPerToken, policy);
    return { policy: name, levelQuanta, remainingTokens: Math.floor(levelQuanta / quantaPerToken) };
  });
  const { policy: _, ...fewest } = parts.reduce((least, part) =>
    part.remainingTokens < least.remainingTokens ? part : least,
  );
  return { ...fewest, ...(parts.length > 1 && { policies: parts }), ...rest };
}
