import type { LatencySpec } from '../../scenario/faults/latency.ts';
import { cutPairs } from '../../topology/pairs.ts';
import { roundTripMs } from '../../topology/topology.ts';
import { allOf, type MakeProbe, type Sight } from './probe.ts';
import { nameOf, send, type Way, waysOf } from './reach.ts';

const PINGS = 5;
/** A PING is awaited for what is added to it and this much longer; then it is slow enough. */
const BEYOND_MS = 500;
/** A jitter of j changes a round trip by up to 2 j in both directions; five PINGs show a quarter of that. */
const JITTER_SEEN = 0.5;

/** The median round trip grew by at least half of what was added; with jitter alone, PINGs differ by half of it. */
export const latencyProbe: MakeProbe<LatencySpec> = async (spec, { regions }) => {
  const { addMs, jitterMs, rampMs } = spec;
  const ways = await waysOf(regions, cutPairs({ bridge: spec.between }, regions.topology));
  const before = await Promise.all(ways.map((way) => tripsOf(way, way.patienceMs)));
  const looks = rampMs > 0 ? 'in the end' : 'throughout';
  const lookAt = async (way: Way, at: number): Promise<Sight> => {
    const measuredMs = median(before[at] ?? []);
    if (measuredMs === undefined) return { bit: false, saw: `${nameOf(way)} had no reply before the fault` };
    // As slow as with the fault: another one was just ending.
    const plannedMs = roundTripMs(regions.topology, way);
    const wasMs = measuredMs > plannedMs + addMs && plannedMs > 0 ? plannedMs : measuredMs;
    const trips = await tripsOf(way, wasMs + addMs + jitterMs + BEYOND_MS);
    return addMs === 0 ? spreadOf(way, trips, jitterMs) : growthOf(way, { trips, wasMs, addMs });
  };
  return {
    looks,
    async look() {
      if (addMs === 0 && jitterMs === 0) return { bit: false, saw: 'it adds nothing' };
      if (ways.length === 0) return { bit: false, saw: 'no node beyond the link answered before it' };
      return allOf(await Promise.all(ways.map(lookAt)));
    },
  };
};

interface Growth {
  readonly trips: readonly number[];
  readonly wasMs: number;
  readonly addMs: number;
}

/** Half of what is added in both directions is what is added in one. */
function growthOf(way: Way, { trips, wasMs, addMs }: Growth): Sight {
  const nowMs = median(trips);
  const was = `${nameOf(way)} took ${wasMs.toFixed(1)} ms before`;
  if (nowMs === undefined)
    return { bit: true, saw: `${was}, and longer than ${(wasMs + addMs).toFixed(1)} ms now` };
  return { bit: nowMs - wasMs >= addMs, saw: `${was} and ${nowMs.toFixed(1)} ms now` };
}

function spreadOf(way: Way, trips: readonly number[], jitterMs: number): Sight {
  const spreadMs = Math.max(...trips) - Math.min(...trips);
  const saw = `PINGs from ${nameOf(way)} differed by ${spreadMs.toFixed(1)} ms`;
  return { bit: trips.length > 1 && spreadMs >= JITTER_SEEN * jitterMs, saw };
}

/** Milliseconds of each PING that was answered; of several at once, so that a long delay is waited for once. */
async function tripsOf(way: Way, withinMs: number): Promise<number[]> {
  const pings = await Promise.all(Array.from({ length: PINGS }, () => send(way, ['PING'], withinMs)));
  return pings.flatMap(({ isAnswered, ms }) => (isAnswered ? [ms] : []));
}

/** Undefined if most had no reply. */
function median(trips: readonly number[]): number | undefined {
  return trips.toSorted((a, b) => a - b)[Math.floor(PINGS / 2)];
}
