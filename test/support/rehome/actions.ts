import type { Step } from '../explore.ts';
import { bucketNow, cancel, close, leave, open, type StepContext, type Stepped } from './key.ts';
import {
  charge,
  clockOf,
  type Lent,
  lentAt,
  levelAt,
  normal,
  type PlannedMove,
  policyAt,
  policyOf,
  type RehomeSettings,
  type Reply,
  replaceMove,
  replacePlace,
  upToDate,
  type World,
} from './world.ts';

/** Everything that can happen next. A step that was sent once may come again at any time, also late. */
export function* actions(world: World, settings: RehomeSettings): Generator<Step<World>> {
  for (const [of, planned] of settings.moves.entries()) yield* steps(world, settings, of, planned);
  for (const at of world.places.keys()) {
    yield* takes(world, settings, at);
    yield* failures(world, settings, at);
    if (settings.leaseTicks > 0) yield* lends(world, settings, at);
  }
  for (const at of world.lent.keys()) yield* holds(world, settings, at);
  yield tick(world, settings);
}

export const name = (at: number) => String.fromCharCode(65 + at);

function* steps(
  world: World,
  settings: RehomeSettings,
  of: number,
  { move, from, to, after, afterClose }: PlannedMove,
): Generator<Step<World>> {
  const { switches, keepTicks } = settings;
  const state = world.moves[of];
  if (state === undefined) return;
  const { begunAtTicks, isClosed, lefts, isRefused } = state;
  const title = `move ${move}, ${name(from)} to ${name(to)}`;
  if (begunAtTicks === undefined) {
    if (after !== undefined && !world.moves[after]?.isOpened) return;
    if (afterClose !== undefined && !world.moves[afterClose]?.isClosed) return;
    const begun = replaceMove(world, of, { begunAtTicks: world.ticks });
    const isUsed = settings.takesEarly && !switches.closesFirst;
    yield { action: `${title}: begins`, state: isUsed ? replacePlace(begun, to, { isUsed }) : begun };
    return;
  }
  if (world.ticks - begunAtTicks >= keepTicks) return;
  const at = (place: number): StepContext => ({
    ...{ move, nowUs: clockOf(world, place), switches, policies: [policyAt(world, settings, place)] },
  });
  const keyAt = (place: number) => world.places[place]?.key ?? { value: undefined, record: undefined };
  const ran = (place: number, step: Stepped, reply: Reply | undefined, text: string): Step<World> => ({
    action: `${title}: ${text}: ${step.reply.status}`,
    state: written(world, settings, place, step, reply),
  });
  if (switches.closesFirst) {
    const step = close(keyAt(to), at(to));
    yield ran(to, step, isDone(step) ? { step: 'close', of } : undefined, 'close');
  }
  if (isClosed || !switches.closesFirst) {
    const step = leave(keyAt(from), { ...at(from), to });
    if (lentAt(world, from).length > 0 && isDone(step) && switches.waitsForLent)
      yield {
        action: `${title}: leave: lent`,
        state: replacePlace(world, from, { isLeaving: true }),
      };
    else yield ran(from, step, leaveReply(step, of, clockOf(world, from)), 'leave');
  }
  for (const left of lefts) {
    const step = open(keyAt(to), left, at(to));
    yield ran(to, step, isDone(step) ? { step: 'open', of } : undefined, 'open');
  }
  if (isRefused) yield ran(to, cancel(keyAt(to), at(to)), undefined, 'cancel');
}

/**
 * The world after each move that has begun was made once more, from its first step, with no failure. Steps are acked at
 * once; what is lent is taken back.
 */
export function finished(world: World, settings: RehomeSettings): World {
  let after: World = { ...world, lent: [] };
  for (const [of, planned] of settings.moves.entries()) {
    if (after.moves[of]?.begunAtTicks === undefined) continue;
    for (const text of ['close', 'leave', 'open', 'cancel']) {
      const [step] = [...steps(after, settings, of, planned)].filter(({ action }) =>
        action.includes(`: ${text}: `),
      );
      if (step !== undefined)
        after = synced(synced(step.state, settings, planned.to), settings, planned.from);
    }
  }
  return after;
}

const isDone = ({ reply: { status } }: Stepped) => status === 'done' || status === 'repeated';

function leaveReply(step: Stepped, of: number, clock: number): Reply | undefined {
  const { status, parts } = step.reply;
  if (isDone(step)) return { step: 'leave', of, left: { parts, updatedAtUs: clock } };
  return status === 'unfinished' ? undefined : { step: 'refused', of };
}

/** The key after a step, whose reply is used at once, or once the replica has what it wrote. */
function written(
  world: World,
  settings: RehomeSettings,
  at: number,
  { key: stepped, isWritten }: Stepped,
  reply: Reply | undefined,
): World {
  const place = world.places[at];
  if (place === undefined) return world;
  const value = stepped.value && normal(stepped.value, policyOf(settings), clockOf(world, at));
  const key = stepped === place.key ? place.key : { ...stepped, value };
  const isNew = key !== place.key && Number.isFinite(settings.keepTicks) && key.record?.step !== 'opened';
  const keptTicks = settings.switches.markOutlivesRefill ? settings.keepTicks : 1;
  const after = replacePlace(world, at, {
    ...{ key, replica: settings.failover ? place.replica : key },
    ...(isNew && { keptUntilTicks: world.ticks + keptTicks }),
  });
  if (reply === undefined) return after;
  if (!settings.failover || !isWritten || !settings.switches.stepsAreAcked)
    return accept(after, settings, reply);
  const known = place.unacked.some((other) => replyText(other) === replyText(reply));
  return known ? after : replacePlace(after, at, { unacked: [...place.unacked, reply] });
}

/** Replies that say the same. */
function replyText(reply: Reply): string {
  return JSON.stringify([reply.of, reply.step, reply.step === 'leave' && reply.left.parts]);
}

function accept(world: World, settings: RehomeSettings, reply: Reply): World {
  const { to } = settings.moves[reply.of] as PlannedMove;
  if (reply.step === 'refused') return replaceMove(world, reply.of, { isRefused: true });
  if (reply.step === 'leave') {
    const lefts = world.moves[reply.of]?.lefts ?? [];
    const isKnown = lefts.some((left) => JSON.stringify(left.parts) === JSON.stringify(reply.left.parts));
    return isKnown ? world : replaceMove(world, reply.of, { lefts: [...lefts, reply.left] });
  }
  const isOpened = reply.step === 'open';
  const moved = replaceMove(world, reply.of, isOpened ? { isOpened: true } : { isClosed: true });
  return isOpened || settings.takesEarly ? replacePlace(moved, to, { isUsed: true }) : moved;
}

/** A take of one token, which every replica has at once; also of those before. And what must not be: a reset of a mark. */
function* takes(world: World, settings: RehomeSettings, at: number): Generator<Step<World>> {
  const place = world.places[at];
  if (place === undefined || !place.isUsed) return;
  const { value } = place.key;
  if (value !== undefined && value.type !== 'bucket') {
    if (settings.switches.resetKeepsMarks) return;
    const state = replacePlace(world, at, { key: { ...place.key, value: undefined } });
    yield { action: `${name(at)}: reset`, state };
    return;
  }
  const taken = taking(world, settings, at);
  if (taken === undefined) return;
  yield { action: `${name(at)}: admits 1`, state: charge(synced(taken, settings, at), settings) };
}

/** The world without one token at a place. */
function taking(world: World, settings: RehomeSettings, at: number): World | undefined {
  const { quantaPerToken } = policyOf(settings);
  const key = world.places[at]?.key;
  if (key === undefined || (levelAt(world, settings, at) ?? 0) < quantaPerToken) return undefined;
  const stored = key.value?.type === 'bucket' ? key.value : undefined;
  const bucket = bucketNow(stored, [policyAt(world, settings, at)], clockOf(world, at));
  const parts = bucket.parts.map((part) => ({ ...part, levelQuanta: part.levelQuanta - quantaPerToken }));
  const after = { ...key, value: { ...bucket, parts } };
  return replacePlace(world, at, { key: after, ...(settings.failover ? {} : { replica: after }) });
}

function synced(world: World, settings: RehomeSettings, at: number): World {
  const place = world.places[at];
  if (place === undefined) return world;
  const after = replacePlace(world, at, { replica: place.key, unacked: [] });
  return place.unacked.reduce((sofar, reply) => accept(sofar, settings, reply), after);
}

function* failures(world: World, settings: RehomeSettings, at: number): Generator<Step<World>> {
  const place = world.places[at];
  if (place === undefined) return;
  if (settings.failover && (place.key !== place.replica || place.unacked.length > 0)) {
    yield { action: `${name(at)}: the replica has all`, state: synced(world, settings, at) };
    const state = replacePlace(world, at, { key: place.replica, unacked: [] });
    yield { action: `${name(at)}: failover to the replica, which lacks what was written since`, state };
  }
  if (world.stepsLeft === 0) return;
  for (const by of [1, -1]) {
    const aheadTicks = place.aheadTicks + by;
    const gained = by > 0 ? policyOf(settings).quantaPerUs : 0;
    const stepped = replacePlace(world, at, { aheadTicks });
    const state = { ...stepped, stepsLeft: world.stepsLeft - 1, allowance: world.allowance + gained };
    yield { action: `${name(at)}: its clock steps by ${by}`, state: upToDate(state, settings) };
  }
}

/** A process borrows a token; and where a move that waited has gone, a place lends again. */
function* lends(world: World, settings: RehomeSettings, at: number): Generator<Step<World>> {
  const place = world.places[at];
  if (place === undefined || !place.isUsed) return;
  const out = lentAt(world, at);
  if (place.isLeaving && out.length === 0)
    yield { action: `${name(at)}: lends again`, state: replacePlace(world, at, { isLeaving: false }) };
  if (place.isLeaving || out.length > 0 || (place.key.value && place.key.value.type !== 'bucket')) return;
  const after = taking(world, settings, at);
  if (after === undefined) return;
  const lent = { at, ...termsFrom(world, settings, at), isSpent: false };
  yield { action: `${name(at)}: lends 1`, state: { ...after, lent: [...world.lent, lent] } };
}

const termsFrom = (world: World, { leaseTicks }: RehomeSettings, at: number) => ({
  holderEndsTicks: world.ticks + leaseTicks,
  homeEndsTicks: clockOf(world, at) + leaseTicks + 1,
});

/** A holder admits by a token, or renews its term. */
function* holds(world: World, settings: RehomeSettings, index: number): Generator<Step<World>> {
  const lent = world.lent[index];
  if (lent === undefined || lent.isSpent || world.ticks >= lent.holderEndsTicks) return;
  const changed = (change: Partial<Lent>): World => ({
    ...world,
    lent: world.lent.map((other) => (other === lent ? { ...lent, ...change } : other)),
  });
  yield {
    action: `the holder of ${name(lent.at)} admits 1`,
    state: charge(changed({ isSpent: true }), settings),
  };
  const place = world.places[lent.at];
  if (place === undefined || (place.key.value && place.key.value.type !== 'bucket')) return;
  const terms = termsFrom(world, settings, lent.at);
  if (!place.isLeaving) yield { action: `the holder of ${name(lent.at)} renews`, state: changed(terms) };
  else if (!settings.switches.renewsNoTerm) {
    const { holderEndsTicks } = terms;
    yield { action: `the holder of ${name(lent.at)} renews`, state: changed({ holderEndsTicks }) };
  }
}

function tick(world: World, settings: RehomeSettings): Step<World> {
  const later = upToDate({ ...world, ticks: world.ticks + 1 }, settings);
  const lent = later.lent.filter(
    ({ at, holderEndsTicks, homeEndsTicks, isSpent }) =>
      clockOf(later, at) < homeEndsTicks || (!isSpent && later.ticks < holderEndsTicks),
  );
  const places = later.places.map((place, at) => {
    if (later.ticks < place.keptUntilTicks) return place;
    const value = place.key.value?.type === 'bucket' ? place.key.value : undefined;
    const key = { value, record: undefined };
    const isLeft = settings.moves.some(({ from }, of) => from === at && later.moves[of]?.isOpened);
    return {
      ...place,
      ...{ key, replica: key, keptUntilTicks: Infinity, isUsed: place.isUsed && !isLeft },
    };
  });
  return { action: 'a tick', state: { ...later, lent, places } };
}
