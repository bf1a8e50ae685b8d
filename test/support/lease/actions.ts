import {
  type Holder,
  leftTokens,
  makeRequest,
  receive,
  repeatRequest,
  tryTake,
} from '../../../src/limiter/strategies/lease/holder.ts';
import type { Request } from '../../../src/limiter/strategies/lease/protocol.ts';
import type { Step } from '../explore.ts';
import { makeHolder } from './holder.ts';
import { handle } from './home.ts';
import { allAcked, describe, name, replace, withMessage, withoutUnacked } from './network.ts';
import {
  charge,
  type Message,
  normal,
  type Place,
  policyOf,
  termsOf,
  upToDate,
  type World,
  type WorldSettings,
} from './world.ts';

/** Everything that can happen next. Costs are 1: a take of k is k takes with nothing between. */
export function* actions(world: World, settings: WorldSettings): Generator<Step<World>> {
  for (const [at, place] of world.places.entries()) {
    yield* takes(world, settings, at, place);
    yield* asks(world, settings, at, place);
    yield* deliveries(world, settings, at, place);
    if (settings.crash && place.holder.seq > 0) yield crash(world, settings, at, place);
    if (!settings.switches.holderClockIsMonotonic) {
      const state = replace(world, at, { ...place, nowTicks: place.nowTicks - 1 });
      yield { action: `${name(at)}: its clock steps back by 1`, state };
    }
  }
  if (settings.neighbour) yield* neighbour(world, settings);
  yield* failures(world, settings);
  yield* ticks(world, settings);
}

function* takes(world: World, settings: WorldSettings, at: number, place: Place): Generator<Step<World>> {
  const holder = { ...place.holder };
  if (!tryTake(holder, 1, place.nowTicks, settings.switches)) return;
  const state = charge(replace(world, at, { ...place, holder }), settings, 1);
  yield { action: `${name(at)}: admits 1, left ${leftTokens(holder)}`, state };
}

function* asks(world: World, settings: WorldSettings, at: number, place: Place): Generator<Step<World>> {
  const { switches, requestsPerLease } = settings;
  if (place.holder.isUnanswered) {
    const holder = { ...place.holder };
    const request = repeatRequest(holder, place.nowTicks, switches);
    const returned = switches.returnsLeaveFirst ? request.returned : place.returning;
    yield* send(world, settings, at, { ...place, holder }, { ...request, returned }, 'asks again');
    return;
  }
  const { seq } = place.holder;
  const left = leftTokens(place.holder);
  const gifts = left > 0 ? [0, left] : [0];
  const wants = seq > 0 ? [0, ...settings.wants] : settings.wants;
  const questions =
    seq < requestsPerLease
      ? wants.flatMap((want) => gifts.map((giveBack) => ({ want, giveBack })))
      : [{ want: 0, giveBack: left }];
  for (const question of questions) {
    const holder = { ...place.holder };
    const request = makeRequest(holder, question, place.nowTicks, switches);
    const { returned } = request;
    const asking = { ...place, holder, reported: place.holder.used, returning: returned, lentTokens: 0 };
    const lastLease = Math.max(place.lastLease, holder.lease);
    yield* send(world, settings, at, { ...asking, lastLease }, request, 'asks');
  }
}

function* send(
  world: World,
  settings: WorldSettings,
  at: number,
  place: Place,
  requested: Request,
  verb: string,
): Generator<Step<World>> {
  const request = settings.switches.usedIsCumulative
    ? requested
    : { ...requested, used: Math.max(0, requested.used - place.reported) };
  const text = `${name(at)}: ${verb}, ${describe({ type: 'request', message: request, lostTicks: 0 })}`;
  const message: Message = { type: 'request', message: request, lostTicks: 0 };
  for (const { messages, lost } of withMessage(place.messages, message, settings)) {
    yield { action: text + lost, state: replace(world, at, { ...place, messages }) };
  }
}

function* deliveries(
  world: World,
  settings: WorldSettings,
  at: number,
  place: Place,
): Generator<Step<World>> {
  for (const message of place.messages) {
    if (message.type === 'request') yield* handled(world, settings, at, place, message);
    else if (message.isAcked || !settings.switches.grantsAreAcked) {
      const received = accept(place, message, settings);
      if (received === undefined) continue;
      const text = `${name(at)}: receives ${describe(message)}, left ${leftTokens(received.holder)}`;
      yield { action: text, state: replace(world, at, received) };
    }
  }
}

/** Home handles a request, which stays on its way: it may come again. */
function* handled(
  world: World,
  settings: WorldSettings,
  at: number,
  place: Place,
  sent: Message & { type: 'request' },
): Generator<Step<World>> {
  const { home, reply, isWritten } = handle(world.home, sent.message, {
    terms: termsOf(settings),
    nowUs: world.homeTicks,
    options: { switches: settings.switches, size: ({ available, want }) => Math.min(available, want) },
  });
  const after = { ...world, home: normal(home, policyOf(settings), world.homeTicks) };
  const isAcked = !settings.failover || !isWritten || reply.account !== 'open'; // an ended lease waits for no replica
  const message: Message = { type: 'reply', message: reply, lostTicks: sent.lostTicks, isAcked };
  if (!settings.failover) after.replica = after.home;
  const text = `home: handles ${describe(sent)} of ${name(at)}: ${describe(message)}`;
  const watched = settings.watchesLent ? watchLent(place, sent, world, after, settings) : place;
  for (const { messages, lost } of withMessage(place.messages, message, settings)) {
    yield { action: text + lost, state: replace(after, at, { ...watched, messages }) };
  }
}

/** Adds what home's level fell by, if that was for the request that has no answer yet; by no books of the protocol. */
function watchLent(
  place: Place,
  { message }: Message & { type: 'request' },
  before: World,
  after: World,
  settings: WorldSettings,
): Place {
  const { holder } = place;
  if (!holder.isUnanswered || message.lease !== holder.lease) return place;
  const levelOf = ({ home }: World) => home?.levelQuanta ?? policyOf(settings).capacityQuanta;
  const fell = Math.max(0, levelOf(before) - levelOf(after)) / policyOf(settings).quantaPerToken;
  const keptTokens = before.homeTicks < place.lentUntilTicks ? place.lentTokens : 0;
  return {
    ...place,
    lentTokens: keptTokens + fell,
    lentUntilTicks: before.homeTicks + settings.leaseTicks + settings.marginTicks,
  };
}

/** A grant and its settlement, in one write that every replica has: what is written before it, they have too. */
function* neighbour(world: World, settings: WorldSettings): Generator<Step<World>> {
  const context = {
    terms: termsOf(settings),
    nowUs: world.homeTicks,
    options: { switches: settings.switches },
  };
  const opening = {
    holder: NEIGHBOUR,
    lease: 1,
    seq: 1,
    used: 0,
    returned: 0,
    want: 1,
    need: 1,
    sentAtUs: 0,
  };
  const opened = handle(world.home, opening, context);
  if (opened.reply.granted === 0) return;
  const settled = handle(opened.home, { ...opening, seq: 2, used: 1, want: 0, need: 0 }, context);
  const home = normal(settled.home, policyOf(settings), world.homeTicks);
  const after = settings.failover ? allAcked({ ...world, home }) : { ...world, home, replica: home };
  yield { action: 'neighbour: borrows 1 and admits it', state: charge(after, settings, 1) };
}

const NEIGHBOUR = 99;

function accept(
  place: Place,
  { message, lostTicks }: Message & { type: 'reply' },
  settings: WorldSettings,
): Place | undefined {
  const { switches } = settings;
  const holder: Holder = { ...place.holder };
  if (!receive(holder, message, termsOf(settings), place.nowTicks, switches)) return undefined;
  if (!switches.returnsLeaveFirst && holder.seq > 0) holder.returned = place.returning;
  const isNewTerm = holder.expiresAtUs !== place.holder.expiresAtUs;
  const lost = switches.termBeginsAtSending ? lostTicks : 0;
  const lostTicksNow = isNewTerm ? lost : Math.max(lost, place.lostTicks);
  return { ...place, holder, lostTicks: lostTicksNow, lentTokens: 0 };
}

function crash(world: World, { switches }: WorldSettings, at: number, place: Place): Step<World> {
  const holder = makeHolder(place.holder.holder, switches.restartIsAnotherHolder ? place.lastLease : 0);
  const state = replace(world, at, {
    ...place,
    holder,
    lostTicks: 0,
    reported: 0,
    returning: 0,
    lentTokens: 0,
  });
  return { action: `${name(at)}: crashes and starts again`, state };
}

function* failures(world: World, settings: WorldSettings): Generator<Step<World>> {
  const policy = policyOf(settings);
  const unacked = ({ type, ...message }: Message) =>
    type === 'reply' && 'isAcked' in message && !message.isAcked;
  if (
    settings.failover &&
    (world.home !== world.replica || world.places.some((p) => p.messages.some(unacked)))
  ) {
    yield { action: 'the replica has all that home wrote', state: allAcked(world) };
    const fallen = { ...withoutUnacked(world, settings), home: world.replica };
    yield { action: 'failover to the replica, which lacks what home wrote since', state: fallen };
  }
  if (world.restartsLeft > 0) {
    const emptied = {
      ...withoutUnacked(world, settings),
      home: undefined,
      replica: undefined,
      restartsLeft: world.restartsLeft - 1,
      allowance: world.allowance + policy.capacityQuanta,
    };
    yield { action: 'home restarts without its state', state: emptied };
  }
  if (world.stepsLeft > 0) {
    for (let step = 1; step <= settings.stepTicks; step++) {
      const isWithin = step <= settings.marginTicks - settings.driftTicks;
      const allowed = isWithin
        ? Math.min(policy.capacityQuanta, step * policy.quantaPerUs)
        : policy.capacityQuanta;
      const state = {
        ...world,
        homeTicks: world.homeTicks + step,
        stepsLeft: world.stepsLeft - 1,
        allowance: world.allowance + allowed,
      };
      yield { action: `home's clock steps ahead by ${step}`, state: upToDate(state, settings) };
    }
    const state = { ...world, homeTicks: world.homeTicks - 1, stepsLeft: world.stepsLeft - 1 };
    yield { action: "home's clock steps back by 1", state: upToDate(state, settings) };
  }
}

/** A tick passes; every set of holders whose clocks may lose it. */
function* ticks(world: World, settings: WorldSettings): Generator<Step<World>> {
  let worlds: { state: World; slow: string[] }[] = [
    {
      state: upToDate({ ...world, ticks: world.ticks + 1, homeTicks: world.homeTicks + 1 }, settings),
      slow: [],
    },
  ];
  for (const [at, place] of world.places.entries()) {
    const isRunning = place.nowTicks < place.holder.expiresAtUs;
    const isTimed = isRunning || place.messages.some((sent) => ageOf(sent, place) < settings.leaseTicks);
    const canLose =
      settings.driftTicks > 0 && isTimed && (!isRunning || place.lostTicks < settings.driftTicks);
    worlds = worlds.flatMap(({ state, slow }) => [
      { state: replace(state, at, { ...place, nowTicks: place.nowTicks + 1 }), slow },
      ...(canLose ? [{ state: replace(state, at, slowed(place, settings)), slow: [...slow, name(at)] }] : []),
    ]);
  }
  for (const { state, slow } of worlds) {
    yield {
      action: `a tick${slow.length > 0 ? `, which the clock of ${slow.join(' and ')} loses` : ''}`,
      state,
    };
  }
}

/** A place whose clock has lost a tick. A message since which it lost more than it can is a message that was lost. */
function slowed(place: Place, { driftTicks, leaseTicks }: WorldSettings): Place {
  return {
    ...place,
    lostTicks: place.nowTicks < place.holder.expiresAtUs ? place.lostTicks + 1 : 0,
    messages: place.messages
      .filter((sent) => sent.lostTicks < driftTicks || ageOf(sent, place) >= leaseTicks)
      .map((sent) => ({ ...sent, lostTicks: Math.min(driftTicks, sent.lostTicks + 1) })),
  };
}

const ageOf = ({ message }: Message, { nowTicks }: Place) => nowTicks - message.sentAtUs;
