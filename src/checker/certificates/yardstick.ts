import { MOST_QUANTA, makePolicy, type Policy } from '../../core/policy.ts';
import type { Promised, WindowPromise } from '../../core/promise.ts';
import type { Header } from '../../history/records/operation.ts';
import { FIRST_DATE_US } from '../windows/clock.ts';
import type { BucketDemands } from './bucket-demands.ts';
import { type Measure, type Sink, startOf } from './demands.ts';
import { findStart, idealBucket } from './ideal-bucket.ts';
import { idealWindow } from './ideal-window.ts';
import { findOrder, type Proof } from './prove-bucket.ts';
import { epochShape, logShape } from './window-level.ts';
import { findWindows } from './window-starts.ts';

/** What a bucket is proved against. */
export interface Yardstick extends Measure {
  /** Of a token bucket; absent for windows. */
  readonly policy?: Policy;
  find(demands: BucketDemands): Proof | undefined;
}

/** Undefined if its numbers are too large to be exact. */
export function yardstickOf(
  promise: Promised,
  policy: Policy,
  { initial, clocks }: Pick<Header, 'initial' | 'clocks'>,
): Yardstick | undefined {
  const isStartFree = initial === 'unknown';
  if (promise.type === 'token-bucket') return bucketYardstick(policy, isStartFree);
  if (promise.type === 'sliding-counter') {
    const counter = counterPolicy(promise);
    return counter && { ...bucketYardstick(counter, false), hasLevels: false };
  }
  const { limit, windowUs } = promise;
  const tokens = { fullQuanta: limit, quantaPerToken: 1, hasLevels: false };
  const start = { startQuanta: limit, isStartFree: false };
  if (promise.type === 'sliding-window') {
    const ideal = idealWindow(logShape(limit, windowUs), { isFixed: false });
    return {
      ...tokens,
      find: (demands) => (demands.gains.length > 0 ? undefined : findOrder(demands, ideal, start)),
    };
  }
  const { alignment } = promise;
  if (alignment !== 'epoch') {
    const windows = { limit, windowUs, beginsWithFirst: alignment === 'first' };
    return { ...tokens, find: (demands) => findWindows(demands, windows) };
  }
  const ideal = idealWindow(epochShape(limit, windowUs), { isFixed: true });
  const isKnown = (demands: BucketDemands) =>
    (demands.clock.isRead && startOf(demands) >= 0) ||
    (demands.clock.nodes.length === 0 && clocks === 'one' && startOf(demands) >= FIRST_DATE_US);
  return {
    ...tokens,
    find(demands) {
      const proof = isKnown(demands) ? findOrder(demands, ideal, { ...start, isStartFree }) : undefined;
      return proof && { ...proof, replay: (sink) => proof.replay(withWindows(sink, windowUs)) };
    },
  };
}

/** A sink that also gets the beginnings of the windows of the epoch that have operations. */
function withWindows(sink: Sink, windowUs: number): Sink {
  let lastUs = Number.NEGATIVE_INFINITY;
  return {
    ...sink,
    place(row, us) {
      const startUs = us - (us % windowUs);
      if (startUs > lastUs) sink.begin(startUs);
      lastUs = startUs;
      sink.place(row, us);
    },
  };
}

function bucketYardstick(policy: Policy, isStartFree: boolean): Yardstick {
  const { capacityQuanta, quantaPerToken } = policy;
  return {
    ...{ policy, fullQuanta: capacityQuanta, quantaPerToken, hasLevels: true },
    find(demands) {
      const startQuanta = isStartFree ? findStart(demands, policy) : capacityQuanta;
      return findOrder(demands, idealBucket(policy), { startQuanta, isStartFree });
    },
  };
}

/**
 * A bucket of N + 1 tokens that gains N in W. It admits at most N (1 + L / W) + 1 in any span shorter than L, which is what
 * a sliding counter may admit, but at every length.
 */
function counterPolicy({ limit, windowUs }: WindowPromise): Policy | undefined {
  return (limit + 1) * windowUs < MOST_QUANTA / 2
    ? makePolicy(limit + 1, { tokens: limit, perUs: windowUs })
    : undefined;
}
