import type { Timer } from '../../core/time.ts';
import type { BandwidthSpec } from '../../scenario/faults/bandwidth.ts';
import type { DropReplySpec } from '../../scenario/faults/drop-reply.ts';
import type { FlapSpec } from '../../scenario/faults/flap.ts';
import type { LatencySpec } from '../../scenario/faults/latency.ts';
import type { PartitionSpec } from '../../scenario/faults/partition.ts';
import { cutPairs } from '../../topology/pairs.ts';
import { oneWayMs, type RegionPair, regionPairs } from '../../topology/topology.ts';
import { LINKS_US } from '../delays.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { allOf, type FaultContext, type MakeFault, type Sight, type SimulatedFault } from './fault.ts';

/**
 * Proxies are changed one after another, while there is load. A fault is in force once half of them are changed, and healed
 * with the last.
 */
function bySteps(
  time: VirtualTime,
  { inject, heal, look }: { inject: () => void; heal: () => void; look: () => Sight },
): SimulatedFault {
  return {
    inject(done) {
      time.after(LINKS_US / 2, inject);
      time.after(LINKS_US, () => done());
    },
    heal(done) {
      time.after(LINKS_US, () => {
        heal();
        done();
      });
    },
    looks: 'before the heal',
    look,
  };
}

const nameOf = ({ from, to }: RegionPair) => `${from} to ${to}`;

export const partition: MakeFault<PartitionSpec> = (spec, { links, topology, time }) => {
  const pairs = cutPairs(spec, topology);
  return bySteps(time, {
    inject: () => links.cut(pairs, spec.mode),
    heal: () => links.restore(pairs),
    look: () =>
      allOf(
        pairs.map((pair) => {
          const { isCut } = links.state(pair);
          return {
            bit: isCut,
            saw: `the simulated network passes ${isCut ? 'nothing' : 'data'} from ${nameOf(pair)}`,
          };
        }),
      ),
  });
};

/** Alternates between cut (first) and healed; each period varies by up to half its length. */
export const flap: MakeFault<FlapSpec> = (spec, { links, topology, random, time }) => {
  const pairs = cutPairs(spec, topology);
  const vary = (ms: number) => ms * (0.5 + random());
  let cuts = 0;
  let next: Timer | undefined;
  const later = (ms: number, call: () => void) => {
    next = time.after(vary(ms) * 1_000, call);
  };
  const cut = () => {
    links.cut(pairs, spec.mode);
    cuts++;
    later(spec.downMs, restore);
  };
  const restore = () => {
    links.restore(pairs);
    later(spec.upMs, cut);
  };
  return bySteps(time, {
    inject: cut,
    heal() {
      next?.cancel();
      links.restore(pairs);
    },
    look: () => ({
      bit: cuts > 0,
      saw: `the simulated network cut ${pairs.map(nameOf).join(', ')}: times ${cuts}`,
    }),
  });
};

const STEP_MS = 250;

/** Adds delay, at once or as a ramp with a step every 250 ms. */
export const latency: MakeFault<LatencySpec> = (spec, context) => {
  const { links, topology, time } = context;
  const pairs = cutPairs({ bridge: spec.between }, topology);
  const steps = Math.max(1, Math.ceil(spec.rampMs / STEP_MS));
  let next: Timer | undefined;
  const add = (addMs: number, jitterMs: number) => {
    for (const pair of pairs)
      links.setLatency(pair, {
        latencyMs: Math.round(oneWayMs(topology, pair) + addMs),
        jitterMs: Math.round(topology.jitterMs + jitterMs),
      });
  };
  const reach = (step: number) => {
    add((spec.addMs * step) / steps, spec.jitterMs);
    if (step < steps) next = time.after(STEP_MS * 1_000, () => reach(step + 1));
  };
  return bySteps(time, {
    inject: () => reach(1),
    heal() {
      next?.cancel();
      add(0, 0);
    },
    look: () => allOf(pairs.map((pair) => seeDelay(pair, context))),
  });
};

function seeDelay(pair: RegionPair, { links, topology }: FaultContext): Sight {
  const { latencyMs, jitterMs } = links.state(pair);
  const [plannedMs, plannedJitterMs] = [oneWayMs(topology, pair), Math.round(topology.jitterMs)];
  return {
    bit: latencyMs > plannedMs || jitterMs > plannedJitterMs,
    saw: `the simulated network delays ${nameOf(pair)} by ${latencyMs} ms instead of ${plannedMs} ms, more or less by ${jitterMs} ms`,
  };
}

export const bandwidth: MakeFault<BandwidthSpec> = (spec, { links, topology, time }) => {
  const pairs = cutPairs({ bridge: spec.between }, topology);
  const limit = (rateKBps: number | undefined) => {
    for (const pair of pairs) links.setBandwidth(pair, rateKBps);
  };
  return bySteps(time, {
    inject: () => limit(Math.round(spec.rateKBps)),
    heal: () => limit(undefined),
    look: () =>
      allOf(
        pairs.map((pair) => {
          const { rateKBps } = links.state(pair);
          const passes = rateKBps === undefined ? 'without a limit' : `${rateKBps} kB/s for each connection`;
          return {
            bit: rateKBps !== undefined,
            saw: `the simulated network passes ${nameOf(pair)} ${passes}`,
          };
        }),
      ),
  });
};

export const dropReply: MakeFault<DropReplySpec> = (spec, { links, topology, time }) => {
  const pairs = regionPairs(topology.regions).filter(({ from }) => spec.regions.includes(from));
  return bySteps(time, {
    inject() {
      for (const pair of pairs) links.dropReplies(pair);
    },
    heal() {
      for (const pair of pairs) links.passReplies(pair);
    },
    look: () =>
      allOf(
        pairs.map((pair) => {
          const { dropsReplies } = links.state(pair);
          return {
            bit: dropsReplies,
            saw: `the simulated network ${dropsReplies ? 'drops' : 'passes'} replies to requests from ${nameOf(pair)}`,
          };
        }),
      ),
  });
};
