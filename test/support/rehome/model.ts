import { REHOME_SWITCHES } from '../../../src/limiter/rehome/protocol.ts';
import type { Model } from '../explore.ts';
import { actions, finished, name } from './actions.ts';
import type { Key, Part } from './key.ts';
import { clockOf, levelAt, newWorld, policyOf, type RehomeSettings, type World } from './world.ts';

/** Buckets that move: the explorer visits every world that can come of the settings. */
export function rehomeModel(settings: RehomeSettings): Model<World> {
  return {
    initial: [newWorld(settings)],
    next: (world) => actions(world, settings),
    encode: (world) => encode(world, settings),
    rank: (world) => world.ideal.levelQuanta,
    violation: (world) => violation(world, settings),
  };
}

function violation(world: World, settings: RehomeSettings): string | undefined {
  if (world.allowance < 0) return `${-world.allowance} quanta were admitted that one bucket never had`;
  return settings.switches === REHOME_SWITCHES ? brokenProof(world, settings) : undefined;
}

/** The invariants of the proof in protocol.ts, in addition to the property that it proves. */
function brokenProof(world: World, settings: RehomeSettings): string | undefined {
  const { quantaPerToken } = policyOf(settings);
  const levels = world.places.map(({ isUsed }, at) => (isUsed ? levelAt(world, settings, at) : undefined));
  const open = levels.flatMap((level, at) => (level === undefined ? [] : [name(at)]));
  if (open.length > 1) return `${open.join(' and ')} both have a bucket`;
  const lent = world.lent.filter(({ isSpent, holderEndsTicks }) => !isSpent && world.ticks < holderEndsTicks);
  const here = levels.reduce<number>((sum, level) => sum + (level ?? 0), 0);
  const tokens = here + onTheWay(world, settings) + lent.length * quantaPerToken;
  if (tokens > world.ideal.levelQuanta + world.allowance)
    return `${tokens} quanta are there, and the ideal bucket has ${world.ideal.levelQuanta}`;
  return open.length === 0 && settings.keepTicks === Infinity ? stuck(world, settings) : undefined;
}

/** Whether the bucket stays on its way, although every move that has begun is repeated. */
function stuck(world: World, settings: RehomeSettings): string | undefined {
  let after = world;
  for (let time = 0; time < settings.moves.length; time++) after = finished(after, settings);
  const hasBucket = after.places.some(
    ({ isUsed }, at) => isUsed && levelAt(after, settings, at) !== undefined,
  );
  return hasBucket ? undefined : 'no repeat of a move brings the bucket back';
}

/** What left with moves that have not opened. */
function onTheWay(world: World, settings: RehomeSettings): number {
  return settings.moves.reduce((sum, { move, from, to }) => {
    const left = world.places[from]?.key.record;
    const there = world.places[to]?.key.record;
    const isClosed = there?.move === move && there.step === 'closed';
    if (!isClosed || left?.move !== move || left.step !== 'left' || left.to !== to) return sum;
    return sum + (left.parts[0]?.levelQuanta ?? 0);
  }, 0);
}

/** A world as a text, equal for worlds with the same future: times as distances from now. */
function encode(world: World, settings: RehomeSettings): string {
  const { switches } = settings;
  const left = (updatedAtUs: number) => (switches.wayAddsNoRefill ? 0 : updatedAtUs - world.ticks);
  return JSON.stringify([
    world.places.map((place, at) => [
      keyText(place.key, clockOf(world, at)),
      place.replica === place.key ? 0 : keyText(place.replica, clockOf(world, at)),
      place.unacked.map((reply) =>
        reply.step === 'leave'
          ? [reply.of, levelsOf(reply.left.parts), left(reply.left.updatedAtUs)]
          : [reply.of, reply.step],
      ),
      place.isUsed ? 1 : 0,
      place.isLeaving ? 1 : 0,
      Number.isFinite(place.keptUntilTicks) ? place.keptUntilTicks - world.ticks : 0,
    ]),
    world.moves.map(({ begunAtTicks, isClosed, lefts, isOpened, isRefused }) => [
      begunAtTicks === undefined
        ? -1
        : Number.isFinite(settings.keepTicks)
          ? Math.min(settings.keepTicks + 1, world.ticks - begunAtTicks)
          : 0,
      ...[isClosed ? 1 : 0, isOpened ? 1 : 0, isRefused ? 1 : 0],
      lefts.map(({ parts, updatedAtUs }) => [levelsOf(parts), left(updatedAtUs)]),
    ]),
    world.lent.map(({ at, holderEndsTicks, homeEndsTicks, isSpent }) => [
      ...[at, Math.max(0, holderEndsTicks - world.ticks), homeEndsTicks - world.ticks, isSpent ? 1 : 0],
    ]),
    world.stepsLeft,
    world.allowance,
  ]);
}

const levelsOf = (parts: readonly Part[]) => parts.map(({ levelQuanta }) => levelQuanta);

function keyText({ value, record }: Key, clock: number): unknown {
  const stored =
    value === undefined
      ? 0
      : value.type === 'bucket'
        ? [Math.max(0, value.updatedAtUs - clock), levelsOf(value.parts)]
        : [value.type, value.move];
  return [stored, record ? [record.move, record.step, levelsOf(record.parts), record.to ?? -1] : 0];
}
