import type { LatencySpec } from '../../scenario/faults/latency.ts';
import { cutPairs } from '../../topology/pairs.ts';
import { type RegionPair, roundTripMs } from '../../topology/topology.ts';
import type { FaultContext } from '../support/fault.ts';
import { allOf, type MakeProbe, neverSeen, type Probe, type Sight } from './probe.ts';
import { nameOf, send, type Way, waysToNodes } from './reach.ts';

/** The fastest of them has waited for other processes the least. */
const PINGS = 15;
/** Before the fault. All PINGs of one are sent at once, so a busy machine may slow all of them down. */
const ROUNDS_BEFORE = 3;
/** What a busy machine adds to the fastest PING. */
const NOISE_MS = 5;
/** The spread of PINGs grows by this part of the jitter; that of 15 is some four times as much. */
const JITTER_SEEN = 0.5;
/** No PING is awaited longer: one that takes so long is slow enough. */
const MOST_MS = 1_800;
/** A PING is awaited this much longer than it takes with all that the fault adds. */
const BEYOND_MS = 300;

/**
 * The fastest PING grew by at least half of what was added, which is what was added in one direction; with jitter the
 * median one. Jitter is cut off at a delay of 0 and can hide that; then PINGs differ by more than before.
 */
export const latencyProbe: MakeProbe<LatencySpec> = (spec, { regions }) =>
  slowerProbe(regions, { ...spec, pairs: cutPairs({ bridge: spec.between }, regions.topology) });

/** What is added to links, in milliseconds in each direction. */
export interface Slower {
  readonly pairs: readonly RegionPair[];
  readonly addMs: number;
  readonly jitterMs: number;
  readonly rampMs: number;
}

export async function slowerProbe(
  regions: FaultContext['regions'],
  { pairs, addMs, jitterMs, rampMs }: Slower,
): Promise<Probe> {
  const found = await waysToNodes(regions, pairs);
  if ('saw' in found) return neverSeen(found);
  if (addMs === 0 && jitterMs === 0) return neverSeen({ bit: false, saw: 'it adds nothing' });
  if (2 * addMs <= NOISE_MS && jitterMs === 0)
    return neverSeen({ bit: false, saw: `it adds ${2 * addMs} ms to a round trip, too few to be seen` });
  const typical = jitterMs > 0 ? median : (trips: readonly number[]) => Math.min(...trips);
  const ways = await Promise.all(found.map(async (way) => ({ way, before: await calmTripsOf(way) })));
  const lookAt = async ({ way, before }: Measured): Promise<Sight> => {
    const measuredMs = typical(before);
    if (!Number.isFinite(measuredMs))
      return { bit: false, saw: `${nameOf(way)} had no reply before the fault` };
    // As slow as with the fault: another one was just ending. What a real network adds is not planned.
    const plannedMs = regions.topology.external ? 0 : roundTripMs(regions.topology, way);
    const wasMs = measuredMs > plannedMs + addMs && plannedMs > 0 ? plannedMs : measuredMs;
    const leastMs = Math.min(Math.max(addMs, NOISE_MS), MOST_MS - BEYOND_MS - wasMs); // what is longer is not awaited
    if (leastMs < NOISE_MS)
      return { bit: false, saw: `${nameOf(way)} took ${msText(wasMs)} before, too long for more to be seen` };
    const withinMs = Math.min(MOST_MS, wasMs + 2 * (addMs + jitterMs) + BEYOND_MS);
    const trips = await tripsOf(way, withinMs, (1 + way.loginTrips) * wasMs);
    const nowMs = typical(trips);
    const saw = `${nameOf(way)} took ${msText(wasMs)} before and ${msText(nowMs, withinMs)} now`;
    if (addMs > 0 && nowMs - wasMs >= leastMs) return { bit: true, saw };
    if (jitterMs === 0) return { bit: false, saw };
    const [spreadMs, spreadBeforeMs] = [spreadOf(trips), spreadOf(before)];
    return {
      bit: spreadMs - spreadBeforeMs >= JITTER_SEEN * jitterMs,
      saw: `PINGs from ${nameOf(way)} differed by ${msText(spreadBeforeMs)} before and ${msText(spreadMs)} now`,
    };
  };
  return {
    looks: rampMs > 0 ? 'in the end' : 'throughout',
    look: async () => allOf(await Promise.all(ways.map(lookAt))),
  };
}

/** A way, and what its PINGs took before the fault. */
interface Measured {
  readonly way: Way;
  readonly before: readonly number[];
}

/** Those of the round with the fastest median, one round after another. */
async function calmTripsOf(way: Way): Promise<readonly number[]> {
  const loginMs = way.loginTrips * MOST_MS;
  let calm = await tripsOf(way, MOST_MS, loginMs);
  for (let round = 1; round < ROUNDS_BEFORE && Number.isFinite(Math.min(...calm)); round++) {
    const trips = await tripsOf(way, MOST_MS, loginMs);
    if (median(trips) < median(calm)) calm = trips;
  }
  return calm;
}

/** Milliseconds of each PING, all at once; Infinity without a reply in time. Connection and login may take `loginMs` more. */
async function tripsOf(way: Way, withinMs: number, loginMs: number): Promise<number[]> {
  const ping = () => send(way, ['PING'], withinMs + loginMs);
  const answers = await Promise.all(Array.from({ length: PINGS }, ping));
  return answers.map(({ isAnswered, ms }) => (isAnswered && ms <= withinMs ? ms : Number.POSITIVE_INFINITY));
}

function median(trips: readonly number[]): number {
  return trips.toSorted((a, b) => a - b)[Math.floor(trips.length / 2)] ?? Number.POSITIVE_INFINITY;
}

function spreadOf(trips: readonly number[]): number {
  return Math.min(MOST_MS, Math.max(...trips)) - Math.min(...trips);
}

/** Without a reply, how long one was awaited. */
function msText(ms: number, withinMs = MOST_MS): string {
  return Number.isFinite(ms) ? `${ms.toFixed(1)} ms` : `more than ${withinMs.toFixed(0)} ms`;
}
