import type { Account, Home } from '../../../src/limiter/strategies/lease/home.ts';
import type { LeaseSwitches } from '../../../src/limiter/strategies/lease/protocol.ts';
import type { Message, Place, World, WorldSettings } from './world.ts';

/**
 * A world as a text, equal for worlds with the same future: times as distances from now, names of leases by their
 * order, holders in any order, messages as a set, terms that are over as over. The ideal bucket is left to `rank`.
 * With a rule switched off, the parts that the rule makes irrelevant are encoded, too.
 */
export function encode(world: World, settings: WorldSettings): string {
  const { switches } = settings;
  const { home, replica, homeTicks } = world;
  const isSynced = home === replica;
  const shared = [world.allowance, world.stepsLeft, world.restartsLeft, isSynced ? 1 : 0];
  pushHome(shared, home, homeTicks, switches);
  if (!isSynced) pushHome(shared, replica, homeTicks, switches);
  const places = world.places.map((place) => encodePlace(place, world, settings));
  if (places.length > 1) places.sort();
  return text(shared) + places.join('|');
}

function pushHome(
  numbers: number[],
  home: Home | undefined,
  homeTicks: number,
  switches: LeaseSwitches,
): void {
  if (home === undefined) numbers.push(0);
  else {
    numbers.push(1 + home.levelQuanta, home.updatedAtUs - homeTicks);
    if (!switches.keyOutlivesAccounts || !switches.keyOutlivesRefill)
      numbers.push(home.keyExpiresAtUs - homeTicks);
  }
}

function encodePlace(place: Place, world: World, settings: WorldSettings): string {
  const { switches } = settings;
  const { holder, nowTicks, messages } = place;
  const accounts = accountsOf(world.home, holder.holder);
  const replicas = world.replica === world.home ? NONE : accountsOf(world.replica, holder.holder);
  const nameOf = switches.restartIsAnotherHolder
    ? orderOf(place, accounts, replicas)
    : (lease: number) => lease;
  const isRunning = nowTicks < holder.expiresAtUs;
  const numbers = [
    holder.seq,
    holder.seq > 0 || !switches.restartIsAnotherHolder ? nameOf(holder.lease) : 0,
    holder.granted,
    holder.used,
    holder.returned,
    isRunning || !switches.holderClockIsMonotonic ? holder.expiresAtUs - nowTicks : 0,
    isRunning ? place.lostTicks : 0,
    holder.isUnanswered ? 1 + holder.want : 0,
  ];
  if (!switches.usedIsCumulative) numbers.push(place.reported);
  if (!switches.returnsLeaveFirst) numbers.push(place.returning);
  if (settings.watchesLent) {
    const isKept = place.lentTokens > 0 && world.homeTicks < place.lentUntilTicks;
    numbers.push(isKept ? place.lentTokens : 0, isKept ? place.lentUntilTicks - world.homeTicks : 0);
  }
  let encoded = text(numbers);
  encoded += `/${listed(accounts.map((account) => accountText(account, nameOf, world.homeTicks)))}`;
  encoded += `/${listed(replicas.map((account) => accountText(account, nameOf, world.homeTicks)))}`;
  encoded += `/${listed(messages.map((sent) => messageText(sent, nameOf, nowTicks, settings)))}`;
  return encoded;
}

const NONE: readonly Account[] = [];

function accountsOf(home: Home | undefined, holder: number): readonly Account[] {
  if (home === undefined || home.accounts.length === 0) return NONE;
  return home.accounts.filter((account) => account.holder === holder);
}

/** Names of leases matter only in being equal or not; the order makes the choice of numbers unique. */
function orderOf(
  { holder, messages }: Place,
  accounts: readonly Account[],
  replicas: readonly Account[],
): (lease: number) => number {
  const names: number[] = [];
  const add = (lease: number) => {
    if (!names.includes(lease)) names.push(lease);
  };
  if (holder.seq > 0) add(holder.lease);
  for (const { lease } of accounts) add(lease);
  for (const { lease } of replicas) add(lease);
  for (const { message } of messages) add(message.lease);
  names.sort((a, b) => a - b);
  return (lease) => names.indexOf(lease);
}

const accountText = (account: Account, nameOf: (lease: number) => number, homeTicks: number) =>
  text([
    nameOf(account.lease),
    account.seq,
    account.granted,
    account.used,
    account.returned,
    account.takenBackAtUs - homeTicks,
  ]);

function messageText(
  sent: Message,
  nameOf: (lease: number) => number,
  nowTicks: number,
  { leaseTicks }: WorldSettings,
): string {
  const { message, lostTicks } = sent;
  const age = Math.min(leaseTicks, nowTicks - message.sentAtUs);
  const lost = age === leaseTicks ? 0 : lostTicks;
  const head = [nameOf(message.lease), message.seq, age, lost];
  if (sent.type === 'request') {
    return text([0, ...head, sent.message.used, sent.message.returned, sent.message.want]);
  }
  return text([
    1,
    ...head,
    sent.message.granted,
    ACCOUNTS.indexOf(sent.message.account),
    sent.isAcked ? 1 : 0,
  ]);
}

const ACCOUNTS = ['open', 'ended', 'stale'];

function listed(texts: string[]): string {
  return texts.length > 1 ? texts.sort().join('') : (texts[0] ?? '');
}

/** Small whole numbers, one character each. */
function text(numbers: readonly number[]): string {
  return String.fromCharCode(...numbers.map((n) => 128 + n));
}
