import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../core/units.ts';
import type { FlapSpec } from '../../scenario/faults/flap.ts';
import type { PartitionSpec } from '../../scenario/faults/partition.ts';
import { cutPairs } from '../../topology/pairs.ts';
import { type RegionPair, regionPairs } from '../../topology/topology.ts';
import { allOf, type MakeProbe, neverSeen, type ProbeContext, type Sight } from './probe.ts';
import { askable, echoesOf, nameOf, send, sendAll, type Way, waysOf, waysToNodes } from './reach.ts';

/** Looks again and again, until a cut is seen, for some of its periods. */
export const flapProbe: MakeProbe<FlapSpec> = async (spec, context) => {
  const { regions } = context;
  const ways = await waysToNodes(regions, cutPairs(spec, regions.topology));
  if ('saw' in ways) return neverSeen(ways);
  const before = await deadAmong(ways);
  const known = regions.topology.external ? await Promise.all(ways.map(measured)) : ways;
  const forMs = Math.min(MOST_LOOKING_MS, 2 * (spec.downMs + spec.upMs));
  return {
    looks: 'at times',
    async look() {
      if (before !== undefined) return before;
      const untilMs = performance.now() + forMs;
      for (;;) {
        const sight = await isCutOff(known, SHORT_MS);
        if (sight.bit || performance.now() > untilMs) return sight;
        await sleep(BETWEEN_MS);
      }
    },
  };
};

const MOST_LOOKING_MS = 4_000;
const BETWEEN_MS = 50;
/** Beyond its round trip. A longer wait would outlast a short cut, and see its end. */
const SHORT_MS = 250;

/** A way with the round trips that it takes, if they are more than planned: a real network has its own. */
async function measured(way: Way): Promise<Way> {
  const times: number[] = [];
  for (let at = 0; at < MEASURED; at++) {
    const startedMs = performance.now();
    await send(way, ['PING']);
    times.push(performance.now() - startedMs);
  }
  return { ...way, tripsMs: Math.max(way.tripsMs, Math.min(...times)) };
}

const MEASURED = 3;

/** A PING on each cut link stays without a reply, and has one on every other. */
export const partitionProbe: MakeProbe<PartitionSpec> = async (spec, { regions, isAlone }) => {
  const cut = cutPairs(spec, regions.topology);
  const isIn = ({ from, to }: RegionPair, pairs: readonly RegionPair[]) =>
    pairs.some((pair) => pair.from === from && pair.to === to);
  const back = ({ from, to }: RegionPair) => ({ from: to, to: from });
  const whole = regionPairs(regions.topology.regions).filter(
    (pair) => !isIn(pair, cut) && !isIn(back(pair), cut),
  );
  // One way only: requests of the other side arrive, and their replies are lost.
  const oneWay = cut.filter((pair) => !isIn(back(pair), cut)).map(back);
  const deafWays = await waysOf(regions, askable(oneWay, regions));
  if ('saw' in deafWays) return neverSeen(deafWays);
  const isDeafOnly = deafWays.length > 0 && askable(cut, regions).length === 0;
  const cutWays = isDeafOnly ? [] : await waysToNodes(regions, cut);
  if ('saw' in cutWays) return neverSeen(cutWays);
  const otherWays = await waysOf(regions, askable(whole, regions));
  const before = await deadAmong([...cutWays, ...deafWays]);
  return {
    looks: 'throughout',
    async look() {
      if (before !== undefined) return before;
      const [silent, deaf, others] = await Promise.all([
        Promise.all(isDeafOnly ? [] : [isCutOff(cutWays)]),
        deafWays.length === 0 ? [] : [await arrivesUnanswered(deafWays, regions)],
        isAlone() ? ['saw' in otherWays ? otherWays : await allAnswer(otherWays)] : [],
      ]);
      return allOf([...silent, ...deaf, ...others]);
    },
  };
};

/** A link that did not work before the fault proves nothing by not working. */
export async function deadAmong(ways: readonly Way[]): Promise<Sight | undefined> {
  const dead = (await sendAll(ways, ['PING'])).find(({ isAnswered }) => !isAnswered);
  return dead && { bit: false, saw: `${nameOf(dead.way)} had no reply before the fault, too` };
}

export async function isCutOff(ways: readonly Way[], patienceMs?: number): Promise<Sight> {
  const answered = (await sendAll(ways, ['PING'], patienceMs)).find(({ isAnswered }) => isAnswered);
  if (answered !== undefined)
    return {
      bit: false,
      saw: `a PING from ${nameOf(answered.way)} had a reply after ${rounded(answered.ms)} ms`,
    };
  return { bit: true, saw: `no reply to a PING from ${ways.map(nameOf).join(', ')}` };
}

async function allAnswer(ways: readonly Way[]): Promise<Sight> {
  const dead = (await sendAll(ways, ['PING'])).find(({ isAnswered }) => !isAnswered);
  if (dead !== undefined)
    return { bit: false, saw: `${nameOf(dead.way)}, which is not cut, had no reply either` };
  return { bit: true, saw: ways.length === 0 ? 'there is no other link' : 'every other link had a reply' };
}

/** Each of these ways loses the reply of an ECHO that its node got. */
export async function arrivesUnanswered(
  ways: readonly Way[],
  regions: ProbeContext['regions'],
): Promise<Sight> {
  const nodes = [...new Set(ways.map(({ node }) => node))];
  const sights = nodes.map((node) =>
    arrivesAt(
      node,
      ways.filter((way) => way.node === node),
      regions,
    ),
  );
  return allOf(await Promise.all(sights));
}

/** Sends one ECHO each of these ways, which lead to one node, and counts those that arrive. */
async function arrivesAt(
  node: string,
  ways: readonly Way[],
  regions: ProbeContext['regions'],
): Promise<Sight> {
  const before = await echoesOf(node, regions);
  const answers = await sendAll(ways, ['ECHO', 'openclaw-rl']);
  const arrived = (await echoesOf(node, regions)) - before;
  const answered = answers.find(({ isAnswered }) => isAnswered);
  if (answered !== undefined) return { bit: false, saw: `an ECHO from ${nameOf(answered.way)} had a reply` };
  const from = ways.map(nameOf).join(', ');
  return arrived < ways.length
    ? { bit: false, saw: `of ${count(ways.length, 'ECHO')} from ${from} only ${arrived} arrived` }
    : { bit: true, saw: `an ECHO from ${from} arrived, and its reply did not` };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
