import { describe, expect, it } from 'vitest';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { createLinks } from '../../../src/regions/network/links.ts';
import { createAccess } from '../../../src/regions/network/redis-access.ts';
import type { RegionToxiproxy } from '../../../src/regions/network/region-toxiproxy.ts';
import { SimulatedAccess } from '../../../src/simulation/network/access.ts';
import { SimulatedLinks } from '../../../src/simulation/network/links.ts';
import { Proxies } from '../../../src/simulation/network/proxies.ts';
import type { RegionProxy } from '../../../src/simulation/network/proxy.ts';
import type { Toxic } from '../../../src/simulation/network/slot.ts';
import { type CutMode, cutPairs, type PartitionShape } from '../../../src/topology/pairs.ts';
import {
  DEFAULT_TOPOLOGY,
  everyServer,
  isInCluster,
  planTopology,
  regionPairs,
  type Topology,
} from '../../../src/topology/topology.ts';
import type { ToxicToAdd } from '../../../src/toxiproxy/client.ts';

const WHO = ['nodes', 'clients'] as const;

/** The Toxiproxy of a region that only notes what it is asked for. */
class NotedToxiproxy {
  readonly disabled = new Set<string>();
  readonly toxics = new Map<string, ToxicToAdd[]>();

  expect(proxy: string, toxic: ToxicToAdd): void {
    const toxics = this.toxics.get(proxy) ?? [];
    const at = toxics.findIndex(({ name }) => name === toxic.name);
    this.toxics.set(proxy, at < 0 ? [...toxics, toxic] : toxics.with(at, toxic));
  }
  async put(proxy: string, toxic: ToxicToAdd): Promise<void> {
    this.expect(proxy, toxic);
  }
  async drop(proxy: string, name: string): Promise<void> {
    this.toxics.set(
      proxy,
      (this.toxics.get(proxy) ?? []).filter((toxic) => toxic.name !== name),
    );
  }
  async setEnabled(proxy: string, enabled: boolean): Promise<void> {
    if (enabled) this.disabled.delete(proxy);
    else this.disabled.add(proxy);
  }
}

/** Both networks of a topology, and what each of their proxies does, one text for each proxy that does anything. */
function both(topology: Topology) {
  const noted = Object.fromEntries(
    WHO.map((who) => [who, new Map(topology.regions.map((region) => [region, new NotedToxiproxy()]))]),
  ) as Record<(typeof WHO)[number], Map<string, NotedToxiproxy>>;
  const asReal = (who: (typeof WHO)[number]) => noted[who] as unknown as Map<string, RegionToxiproxy>;
  const real = {
    links: createLinks(topology, asReal('nodes'), asReal('clients')),
    access: createAccess(topology, asReal('clients')),
  };
  const proxies = new Proxies(topology);
  const model = { links: new SimulatedLinks(proxies), access: new SimulatedAccess(proxies) };
  const ports = isInCluster(topology) ? (['data', 'bus'] as const) : (['data'] as const);
  const states = () =>
    WHO.flatMap((who) =>
      topology.regions.flatMap((region) =>
        everyServer(topology).flatMap(({ name: node }) =>
          ports.map((port) => {
            const toxiproxy = noted[who].get(region);
            const name = port === 'bus' ? `${node}-bus` : node;
            const theirs = (toxiproxy?.toxics.get(name) ?? []).map(textOfReal);
            const ours = proxies.of(who, region, { node, port });
            return {
              at: `${who} of ${region} to ${name}`,
              real: [toxiproxy?.disabled.has(name) ? 'disabled' : 'enabled', ...theirs.sort()].join('; '),
              model: ours.map(textOfModel).join() || 'enabled',
            };
          }),
        ),
      ),
    );
  return { real, model, states };
}

function textOfReal({ name, type, stream, attributes }: ToxicToAdd): string {
  return [name, type, stream, ...Object.values(attributes)].join(' ');
}

function textOfModel({ isEnabled, toxics }: RegionProxy): string {
  const texts = (['upstream', 'downstream'] as const).flatMap((stream) =>
    toxics[stream].map((toxic: Toxic) => {
      if (toxic.type === 'swallow') return `${toxic.name} timeout ${stream} 0`;
      if (toxic.type === 'bandwidth') return `${toxic.name} bandwidth ${stream} ${toxic.rateKBps}`;
      return `${toxic.name} latency ${stream} ${toxic.latencyMs} ${toxic.jitterMs}`;
    }),
  );
  return [isEnabled ? 'enabled' : 'disabled', ...texts.sort()].join('; ');
}

type Both = ReturnType<typeof both>;

const SHAPES: readonly PartitionShape[] = [
  { isolate: ['eu-west'] },
  { split: [['us-east', 'eu-west'], ['ap-south']] },
  { from: ['eu-west'], to: ['us-east', 'ap-south'] },
  { bridge: ['us-east', 'eu-west'] },
];

/** Does one thing that a fault does, drawn, to both. */
async function step(topology: Topology, { real, model }: Both, random: Random): Promise<void> {
  const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  const pairs = cutPairs(one(SHAPES), topology);
  const pair = one(regionPairs(topology.regions));
  const mode: CutMode = one(['blackhole', 'refuse']);
  const regions = [one(topology.regions)];
  const number = 1 + Math.floor(random() * 100);
  type System = {
    readonly links: SimulatedLinks | Both['real']['links'];
    readonly access: SimulatedAccess | Both['real']['access'];
  };
  const act = one<(system: System) => unknown>([
    ({ links }) => links.cut(pairs, mode),
    ({ links }) => links.restore(pairs),
    ({ links }) => links.dropReplies(pair),
    ({ links }) => links.passReplies(pair),
    ({ links }) => links.setLatency(pair, { latencyMs: number, jitterMs: 7 }),
    ({ links }) => links.setBandwidth(pair, number),
    ({ links }) => links.setBandwidth(pair, undefined),
    ({ access }) => access.cut(regions, mode),
    ({ access }) => access.restore(regions),
    ({ access }) => access.slow(regions, number),
    ({ access }) => access.slow(regions, 0),
  ]);
  await act(real);
  act(model);
}

describe('faults change the simulated proxies as they change those of local regions', () => {
  it.each(['cluster', 'sentinel'] as const)('of a %s', async (kind) => {
    const topology = planTopology({ ...DEFAULT_TOPOLOGY, jitterMs: 2, ...(kind === 'sentinel' && { kind }) });
    for (let seed = 1; seed <= 10; seed++) {
      const networks = both(topology);
      const random = makeRandom(seed);
      for (let at = 0; at < 40; at++) {
        await step(topology, networks, random);
        for (const { at: where, real, model } of networks.states())
          expect(`seed ${seed}, step ${at}, ${where}: ${model}`).toBe(
            `seed ${seed}, step ${at}, ${where}: ${real}`,
          );
      }
    }
  });
});
