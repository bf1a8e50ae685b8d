import { invalidOption, OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { formatNamed, type NamedPolicy } from '../core/policies.ts';
import type { Policy } from '../core/policy.ts';
import { formatPromise } from '../core/promise.ts';
import { HistoryBuilder } from '../history/columns/builder.ts';
import type { History } from '../history/history.ts';
import { encodeRecord } from '../history/records/codec.ts';
import { RecordError } from '../history/records/fields.ts';
import {
  type Charge,
  type Header,
  type HistoryRecord,
  MOVE_EVENT,
  type Operation,
  type PolicyRecord,
  RESET_EVENT,
} from '../history/records/operation.ts';
import type { Cost } from '../limiter/limiter.ts';
import type { Recorded, Taken } from './taken.ts';
import { ofPolicies, readEither, type Yardstick } from './yardstick.ts';

/** Marks a history also for another copy of this module: `require` and `import` each have one. */
const RECORDED = Symbol.for('openclaw-rl.recorded-takes');

/** The takes of a test until a moment, without the policy that they are held against. */
export class TakeHistory {
  readonly [RECORDED]: Recorded;

  constructor(recorded: Recorded) {
    this[RECORDED] = recorded;
  }

  /**
   * The takes as a history of this policy or promise: a text that `openclaw-rl check` judges and `HistoryReader` reads.
   * Throws INVALID_POLICY or INVALID_OPTION.
   */
  toNdjson(policyOrPromise: string): string {
    return recordsOf(this[RECORDED], readEither(policyOrPromise)).map(encodeRecord).join('');
  }
}

/** What a value has recorded; a function that gives a history counts as that history. */
export function recordedOf(received: unknown): Recorded {
  const value: unknown = typeof received === 'function' && received.length === 0 ? received() : received;
  const { [RECORDED]: recorded } = (value ?? {}) as { [RECORDED]?: Recorded };
  if (recorded !== undefined) return recorded;
  throw invalidOption(
    'the value is no history of takes',
    'const { limiter, history } = recordTakes(...); then expect(history())',
  );
}

/** The history that a checker judges. Throws INVALID_HISTORY for costs that do not fit the policy. */
export function buildHistory(recorded: Recorded, yardstick: Yardstick): History {
  const builder = new HistoryBuilder();
  try {
    builder.startFile('takes');
    for (const record of recordsOf(recorded, yardstick)) builder.add(record);
    builder.endFile();
    return builder.build();
  } catch (error) {
    throw error instanceof RecordError ? new OpenclawError('INVALID_HISTORY', error.message) : error;
  }
}

/** The policies of the limiter itself, if it says them and all its buckets have the same. */
export function ownYardstick({ ownPolicies }: Recorded): Yardstick | undefined {
  const each = ownPolicies.map((policies) => policies());
  const [first] = each;
  const textOf = (policies: readonly NamedPolicy[]) => policies.map(formatNamed).join();
  if (first === undefined || each.some((policies) => textOf(policies) !== textOf(first))) return undefined;
  return ofPolicies(first.length === 1 ? first.map(({ policy }) => ({ name: '', policy })) : first);
}

function recordsOf(recorded: Recorded, yardstick: Yardstick): HistoryRecord[] {
  const { policies } = yardstick;
  checkNames(recorded, policies);
  const { taken, resets, moves } = recorded;
  const operations = taken.map((one) => operationOf(one, recorded, policies));
  const last = taken.reduce(
    (most, { invokedUs, completedUs }) => Math.max(most, completedUs ?? invokedUs),
    0,
  );
  return [
    headerOf(recorded, yardstick),
    ...operations,
    ...resets.map(
      ({ bucket, atUs, untilUs }) =>
        ({ type: 'event', event: RESET_EVENT, atUs, args: { bucket, untilUs } }) as const,
    ),
    ...moves.map(
      ({ args, atUs, untilUs }) =>
        ({ type: 'event', event: MOVE_EVENT, atUs, args: { ...args, untilUs } }) as const,
    ),
    { type: 'end', atUs: last, sent: taken.length },
  ];
}

function headerOf({ strategy, initial, clocks }: Recorded, { promise, policies }: Yardstick): Header {
  const [only] = policies;
  const isOne = policies.length === 1 && only !== undefined;
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    ...(isOne
      ? { policy: recordOf(only.policy) }
      : { policies: Object.fromEntries(policies.map(({ name, policy }) => [name, recordOf(policy)])) }),
    promise: formatPromise(promise),
    ...{ strategy, scenario: '', seed: 0, regions: [], startedAt: '', initial },
    ...given({ clocks }),
  };
}

function recordOf({ capacityTokens, refill }: Policy): PolicyRecord {
  return { capacity: capacityTokens, refill };
}

function operationOf(
  { index, bucket, cost, sign, invokedUs, completedUs, outcome, ...rest }: Taken,
  { clocks }: Recorded,
  policies: readonly NamedPolicy[],
): Operation {
  const { decision, error, decisionId, stated, reservation } = rest;
  // A server's time says nothing of a clock that the test moves. Only that a failure policy decided still counts.
  const evidence = clocks === 'one' && decision?.source !== 'fallback' ? undefined : decision;
  return {
    type: 'op',
    ...{ index, bucket, user: '', region: '', process: 0 },
    cost: sign * costOf(cost, policies),
    ...{ invokedUs, completedUs, outcome },
    ...given({ decision: evidence, error, decisionId, stated }),
    ...(policies.length > 1 && { charges: chargesOf(bucket, cost, sign, policies) }),
    ...reservation?.fields({ bucket, cost, policies }, clocks === 'one'),
  };
}

/** The cost under one policy, whatever its name is. */
function costOf(cost: Cost, policies: readonly NamedPolicy[]): number {
  return typeof cost !== 'number' && policies.length > 1 ? 1 : onlyCost(cost);
}

/** The cost under the only policy. */
export function onlyCost(cost: Cost): number {
  return typeof cost === 'number' ? cost : (Object.values(cost)[0] ?? 1);
}

function chargesOf(
  bucket: string,
  cost: Cost,
  sign: number,
  policies: readonly NamedPolicy[],
): readonly Charge[] {
  return policies.map(({ name: policy }) => ({
    bucket,
    cost: sign * (typeof cost === 'number' ? cost : (cost[policy] ?? 1)),
    policy,
  }));
}

/** One of several policies would deny where it holds the cost, since another one denied. Throws INVALID_OPTION. */
function checkNames({ policyNames, taken }: Recorded, policies: readonly NamedPolicy[]): void {
  const costs = taken.flatMap(({ cost }) => (typeof cost === 'number' ? [] : Object.keys(cost)));
  const decided = [...new Set(policyNames.length > 0 ? policyNames : costs)];
  const names = new Set(policies.map(({ name }) => name));
  const isComplete = policyNames.length === 0 || policyNames.length === names.size;
  const fits = names.size === 1 ? decided.length < 2 : isComplete && decided.every((name) => names.has(name));
  if (fits) return;
  throw invalidOption(
    `the limiter decides by the policies ${decided.join(', ')} together`,
    `write each with its name, for example ${decided.map((name) => `${name}=20:5/s`).join(', ')}`,
  );
}
