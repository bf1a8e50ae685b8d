import type { Links } from '../regions/network/links.ts';
import { settleAll } from '../regions/waiting.ts';
import type { LatencySpec } from '../scenario/faults/latency.ts';
import { cutPairs } from '../topology/pairs.ts';
import { oneWayMs, type RegionPair, type Topology } from '../topology/topology.ts';
import { inBackground } from './support/background.ts';
import type { Inject } from './support/fault.ts';
import { orUndo } from './support/undo.ts';

const STEP_MS = 250;

/** Adds delay between two regions, at once or as a ramp with a step every 250 ms. */
export const latency: Inject<LatencySpec> = async (spec, { regions: { links, topology }, signal }) => {
  const pairs = cutPairs({ bridge: spec.between }, topology);
  const steps = Math.max(1, Math.ceil(spec.rampMs / STEP_MS));
  const add = (addMs: number, jitterMs: number) => setOver({ links, topology, pairs }, addMs, jitterMs);
  const reach = (step: number) => add((spec.addMs * step) / steps, spec.jitterMs);
  let growth = inBackground(signal, async () => {});
  return orUndo(
    async () => {
      await reach(1);
      growth = inBackground(signal, async (wait) => {
        for (let step = 2; step <= steps && (await wait(STEP_MS)) === 'go on'; step++) await reach(step);
      });
    },
    () => growth.stop().finally(() => add(0, 0)),
  );
};

interface Between {
  readonly links: Links;
  readonly topology: Topology;
  readonly pairs: readonly RegionPair[];
}

/** Sets the planned delay and jitter plus these, in whole milliseconds for a Toxiproxy. */
async function setOver({ links, topology, pairs }: Between, addMs: number, jitterMs: number): Promise<void> {
  await settleAll(
    pairs.map((pair) =>
      links.setLatency(pair, {
        latencyMs: Math.round(oneWayMs(topology, pair) + addMs),
        jitterMs: Math.round(topology.jitterMs + jitterMs),
      }),
    ),
  );
}
