import { leftTokens } from '../../../src/limiter/strategies/lease/holder.ts';
import { type Account, advance, outstandingTokens } from '../../../src/limiter/strategies/lease/home.ts';
import { LEASE_SWITCHES } from '../../../src/limiter/strategies/lease/protocol.ts';
import type { Model } from '../explore.ts';
import { actions } from './actions.ts';
import { encode } from './encode.ts';
import { type Message, newWorld, type Place, policyOf, type World, type WorldSettings } from './world.ts';

export function leaseModel(settings: WorldSettings): Model<World> {
  return {
    initial: [newWorld(settings)],
    *next(world) {
      for (const { action, state } of actions(world, settings)) {
        yield { action, state: tidy(state, settings) };
      }
    },
    encode: (world) => encode(world, settings),
    // Less in the ideal bucket, all else equal: the same can happen, and is too much no later.
    rank: (world) => world.ideal.levelQuanta,
    violation: (world) => violation(world, settings),
  };
}

/** What a user of the limiter would see, and nothing that the protocol believes. */
function violation(world: World, settings: WorldSettings): string | undefined {
  if (world.allowance < 0) return `${-world.allowance} quanta were admitted that one bucket never had`;
  const ofHome = settings.watchesLent ? hoarded(world) : undefined;
  return ofHome ?? (settings.switches === LEASE_SWITCHES ? brokenProof(world, settings) : undefined);
}

/** The invariants of the proof in protocol.ts, in addition to the property that it proves. */
function brokenProof(world: World, settings: WorldSettings): string | undefined {
  const { home } = world;
  if (home === undefined) return undefined;
  const policy = policyOf(settings);
  const atExpiry = advance({ ...home, keyExpiresAtUs: Infinity }, policy, home.keyExpiresAtUs);
  if (atExpiry.accounts.length > 0 || atExpiry.levelQuanta < policy.capacityQuanta) {
    return 'the key expires while it is no full bucket';
  }
  const out = home.accounts.reduce((sum, account) => sum + outstandingTokens(account), 0);
  if (home.levelQuanta + out * policy.quantaPerToken > policy.capacityQuanta) {
    return 'level and outstanding are more than the capacity';
  }
  if (settings.clockSteps > 0 || settings.emptyRestarts > 0) return undefined;
  let spendable = 0;
  for (const { holder, nowTicks } of world.places) {
    const left = nowTicks < holder.expiresAtUs ? leftTokens(holder) : 0;
    const account = home.accounts.find(
      (each) => each.holder === holder.holder && each.lease === holder.lease,
    );
    if (left > (account ? outstandingTokens(account) : 0)) return 'a holder has more than is outstanding';
    spendable += left;
  }
  if (world.ideal.levelQuanta < home.levelQuanta + spendable * policy.quantaPerToken) {
    return 'level and what is left at holders are more than the ideal bucket holds';
  }
  return undefined;
}

/** Whether home keeps more for a request that has no answer yet than that asked for. */
function hoarded({ places, homeTicks }: World): string | undefined {
  for (const { holder, lentTokens, lentUntilTicks } of places) {
    if (!holder.isUnanswered || lentTokens <= holder.want || homeTicks >= lentUntilTicks) continue;
    return `home keeps ${lentTokens} tokens for a holder that asked for ${holder.want} and has heard nothing`;
  }
  return undefined;
}

/** Without the messages that can have no effect any more. */
function tidy(world: World, settings: WorldSettings): World {
  if (world.places.every(({ messages }) => messages.length === 0)) return world;
  const accounts = [...(world.home?.accounts ?? []), ...(world.replica?.accounts ?? [])];
  return {
    ...world,
    places: world.places.map((place) => {
      const messages = place.messages.filter((sent) => hasEffect(sent, place, accounts, settings));
      return messages.length === place.messages.length ? place : { ...place, messages };
    }),
  };
}

/**
 * A reply matters while the holder waits for it and its term lasts. A request matters as the first of its lease, or
 * while home or the replica has an account that has seen no later one, or a first one can still come. Without the
 * switches by which this is so, all matter.
 */
function hasEffect(
  sent: Message,
  { holder, nowTicks, messages }: Place,
  accounts: readonly Account[],
  { leaseTicks, switches }: WorldSettings,
): boolean {
  const isReplyOver =
    switches.restartIsAnotherHolder && switches.holderClockIsMonotonic && switches.termBeginsAtSending;
  const isRequestOver =
    switches.restartIsAnotherHolder && switches.endedAccountsStayEnded && switches.usedIsCumulative;
  if (sent.type === 'reply' ? !isReplyOver : !isRequestOver) return true;
  const { lease, seq, sentAtUs } = sent.message;
  const isCurrent = holder.isUnanswered && holder.lease === lease;
  if (sent.type === 'reply') return isCurrent && seq === holder.seq && nowTicks - sentAtUs < leaseTicks;
  const isOpened =
    (isCurrent && holder.seq === 1) ||
    messages.some(({ type, message }) => type === 'request' && message.lease === lease && message.seq === 1);
  if (isOpened) return true;
  return accounts.some(
    (account) => account.holder === holder.holder && account.lease === lease && account.seq <= seq,
  );
}
