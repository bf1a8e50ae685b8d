import type { Links } from '../regions/links.ts';
import { between } from '../regions/pairs.ts';
import { settleAll } from '../regions/settle-all.ts';
import { oneWayMs, type RegionPair, type Topology } from '../regions/topology.ts';
import type { LatencySpec } from '../scenario/fault-spec.ts';
import { inBackground } from './background.ts';
import type { Inject } from './fault.ts';
import { orUndo } from './undo.ts';

const STEP_MS = 250;

/** Adds to the delay between two regions, at once or in steps of 250 ms. */
export const latency: Inject<LatencySpec> = async (spec, { regions: { links, topology }, signal }) => {
  const pairs = between(spec.between, topology);
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

/** Over what the topology has for the pair; a Toxiproxy takes whole milliseconds. */
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
