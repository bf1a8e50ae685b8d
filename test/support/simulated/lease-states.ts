import type { Policy } from '../../../src/core/policy.ts';
import { type Holder, leftTokens } from '../../../src/limiter/strategies/lease/holder.ts';
import {
  type Account,
  advance,
  outstandingTokens,
  readHome,
  type StoredHome,
} from '../../../src/limiter/strategies/lease/home.ts';
import { type LentBucket, LentBuckets } from '../../../src/limiter/strategies/lease/lent-buckets.ts';
import { ScriptEngine } from '../../../src/simulation/scripts/engine.ts';
import { ServiceProcess } from '../../../src/simulation/service/process.ts';
import { VirtualTime } from '../../../src/simulation/virtual-time.ts';
import { explore } from '../explore.ts';
import { leaseModel } from '../lease/model.ts';
import { policyOf, type WorldSettings } from '../lease/world.ts';
import { all, patch, type Undo } from './patches.ts';

/**
 * The coarsest state that the exploration and a simulation have in common, of one bucket: what each of two holders has and
 * what home believes of it, without times, names, numbers of requests and messages on their way.
 */
function stateText(
  holders: readonly { readonly holder: Readonly<Holder>; readonly nowUs: number }[],
  accounts: readonly Account[],
  level: number,
): string {
  const isOf = ({ holder }: { holder: Readonly<Holder> }, account: Account) =>
    holder.seq > 0 && account.holder === holder.holder && account.lease === holder.lease;
  const places = holders.map((place) => {
    const { holder, nowUs } = place;
    if (holder.seq === 0) return '-';
    const account = accounts.find((each) => isOf(place, each));
    const isRunning = nowUs < holder.expiresAtUs;
    const ofHome =
      account === undefined
        ? 'none'
        : `${outstandingTokens(account)},${account.seq < holder.seq ? 'behind' : 'level'}`;
    const unreported = account === undefined ? 0 : Math.min(1, Math.max(0, holder.used - account.used));
    return `${isRunning ? 'runs' : 'over'},${holder.isUnanswered ? 'asks' : 'knows'},${isRunning ? leftTokens(holder) : 0},${unreported},${ofHome}`;
  });
  const left = accounts
    .filter((account) => !holders.some((place) => isOf(place, account)))
    .reduce((sum, account) => sum + outstandingTokens(account), 0);
  return `${[...places, ...Array(Math.max(0, 2 - places.length)).fill('-')].sort().join(' ')} | ${left} | ${level}`;
}

/** Every such state of a configuration of the exploration. */
export function exploredStates(settings: WorldSettings): Set<string> {
  const states = new Set<string>();
  const model = leaseModel(settings);
  const policy = policyOf(settings);
  explore({
    ...model,
    encode(world) {
      const home = world.home && advance(world.home, policy, world.homeTicks);
      const level = Math.floor((home?.levelQuanta ?? policy.capacityQuanta) / policy.quantaPerToken);
      const holders = world.places.map(({ holder, nowTicks }) => ({ holder, nowUs: nowTicks }));
      states.add(stateText(holders, home?.accounts ?? [], level));
      return model.encode(world);
    },
  });
  return states;
}

/** Collects such states of all buckets of a policy, before every event of the simulations that run until it is undone. */
export function watchStates(policy: Policy, into: Set<string>): Undo {
  const homes = new Map<string, { readonly stored: StoredHome | undefined; readonly aheadUs: number }>();
  const buckets = new Map<string, Set<LentBucket>>();
  const holderOf = new WeakMap<ServiceProcess, number>();
  let time: VirtualTime | undefined;
  const look = () => {
    if (time === undefined) return;
    const { nowUs } = time;
    for (const [user, those] of buckets) {
      const { stored, aheadUs } = homes.get(user) ?? { stored: undefined, aheadUs: 0 };
      const clockUs = nowUs + aheadUs;
      const home = stored && advance({ ...stored, keyExpiresAtUs: Infinity }, policy, clockUs);
      const level = Math.floor((home?.levelQuanta ?? policy.capacityQuanta) / policy.quantaPerToken);
      into.add(
        stateText(
          [...those].map((holder) => ({ holder, nowUs })),
          home?.accounts ?? [],
          level,
        ),
      );
    }
  };
  const kept = (bucket: LentBucket): LentBucket => {
    if (!bucket.user.startsWith('u')) return bucket;
    if (!buckets.has(bucket.user)) buckets.set(bucket.user, new Set());
    buckets.get(bucket.user)?.add(bucket);
    return bucket;
  };
  const forget = (isGone: (bucket: LentBucket) => boolean) => {
    for (const those of buckets.values()) for (const each of those) if (isGone(each)) those.delete(each);
  };
  return all(
    patch(
      LentBuckets.prototype,
      'add',
      (was) =>
        function (this: LentBuckets, ...args) {
          return kept(was.apply(this, args));
        },
    ),
    patch(
      LentBuckets.prototype,
      'drop',
      (was) =>
        function (this: LentBuckets, bucket) {
          forget((each) => each === bucket);
          was.call(this, bucket);
        },
    ),
    patch(
      ServiceProcess.prototype,
      'randomUpTo',
      (was) =>
        function (this: ServiceProcess, most) {
          const holder = was.call(this, most);
          holderOf.set(this, holder);
          return holder;
        },
    ),
    patch(
      ServiceProcess.prototype,
      'end',
      (was) =>
        function (this: ServiceProcess) {
          forget(({ holder }) => holder === holderOf.get(this));
          was.call(this);
        },
    ),
    patch(
      ScriptEngine.prototype,
      'run',
      (was) =>
        function (this: ScriptEngine, script, keys, args, on) {
          const result = was.call(this, script, keys, args, on);
          const [key = ''] = keys;
          if (script.name === 'lease') {
            const entry = on.store.find(key, { nowMs: on.clockUs / 1_000, isReplica: false });
            homes.set(key.split(':').at(-2) ?? '', {
              stored: storedIn(entry?.value),
              aheadUs: on.clockUs - (time?.nowUs ?? 0),
            });
          }
          return result;
        },
    ),
    patch(
      VirtualTime.prototype,
      'at',
      (was) =>
        function (this: VirtualTime, atUs, call) {
          time = this;
          return was.call(this, atUs, () => {
            look();
            call();
          });
        },
    ),
  );
}

function storedIn(value: unknown): StoredHome | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, 'latin1');
  const numbers = Array.from({ length: Math.floor(bytes.length / 8) }, (_, at) => bytes.readDoubleLE(8 * at));
  const [updatedAtUs = 0, levelQuanta = 0, quantaPerToken = 0, mostTokens = 0] = numbers;
  const hasAccounts = bytes[bytes.length - 1] === 0;
  return hasAccounts
    ? readHome(numbers)
    : { updatedAtUs, levelQuanta, quantaPerToken, mostTokens, accounts: [] };
}
