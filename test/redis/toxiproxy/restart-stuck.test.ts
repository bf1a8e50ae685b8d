import { describe, expect, it, vi } from 'vitest';
import { createLinks, healLinks, proxyNames } from '../../../src/regions/network/links.ts';
import { RegionToxiproxy } from '../../../src/regions/network/region-toxiproxy.ts';
import { cutPairs } from '../../../src/topology/pairs.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../../src/topology/topology.ts';
import { ToxiproxyClient } from '../../../src/toxiproxy/client.ts';
import { type ApiFault, startFaultyApi } from '../../support/faulty-api.ts';
import { freePort } from '../../support/free-port.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const TOPOLOGY = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], roundTripMs: { 'a:b': 80 } });
const PROXIES_TO = (region: string) =>
  TOPOLOGY.nodes.filter((node) => node.region === region).flatMap(({ name }) => proxyNames(name));

/** Links between two regions; what is asked of a's Toxiproxy meets faults. */
async function setUp({ isOurs = true } = {}) {
  const a = await startTestToxiproxy();
  const b = await startTestToxiproxy();
  const specs = await Promise.all(
    PROXIES_TO('b').map(async (name) => ({
      name,
      listen: `127.0.0.1:${await freePort()}`,
      upstream: '127.0.0.1:9',
    })),
  );
  const populate = () => new ToxiproxyClient({ url: a.url }).populate(specs);
  const forget = async () => {
    for (const { name } of specs) await a.call('DELETE', `/proxies/${name}`);
  };
  await populate();
  for (const name of PROXIES_TO('a')) await b.proxy(name, 9);
  let faultOf: (call: string) => ApiFault = () => 'pass';
  const api = await startFaultyApi(a.url, (call) => faultOf(call));
  let restarts = 0;
  const revival = {
    async restart() {
      restarts++;
      faultOf = () => 'pass';
      await forget();
    },
    populate,
  };
  const client = new ToxiproxyClient({ url: api.url, timeoutMs: 500 });
  const links = createLinks(
    TOPOLOGY,
    new Map([
      ['a', new RegionToxiproxy(client, isOurs ? revival : undefined)],
      ['b', new RegionToxiproxy(new ToxiproxyClient({ url: b.url }))],
    ]),
  );
  await healLinks(links, TOPOLOGY);
  return {
    links,
    meet: (faults: (call: string) => ApiFault) => {
      faultOf = faults;
    },
    restarts: () => restarts,
    forget,
    toxicsOfA: async () => {
      const { json } = await a.call('GET', '/proxies/b-0');
      return (json as { toxics: { name: string; attributes: unknown }[] }).toxics;
    },
  };
}

/** As Shopify's server: the first removal hangs and holds the lock that everything else waits for. */
function stuckOnRemoval() {
  let stuck = false;
  return (call: string): ApiFault => {
    stuck ||= call.startsWith('DELETE');
    return stuck ? 'hang' : 'pass';
  };
}

describe('a Toxiproxy that hangs forever while it heals', () => {
  it('is restarted once, and its round trips and other toxics are restored', async () => {
    const { links, meet, restarts, toxicsOfA } = await setUp();
    const ab = { from: 'a', to: 'b' };
    await links.setBandwidth(ab, 500);
    await links.cut(cutPairs({ isolate: ['a'] }, TOPOLOGY), 'blackhole');
    meet(stuckOnRemoval());
    await links.restore(cutPairs({ isolate: ['a'] }, TOPOLOGY));
    expect(restarts()).toBe(1);
    expect(await links.state()).toMatchObject([
      { from: 'a', to: 'b', latencyMs: 40, rateKBps: 500 },
      { from: 'b', to: 'a', latencyMs: 40 },
    ]);
    expect((await links.state()).some(({ cut }) => cut !== undefined)).toBe(false);
    expect((await toxicsOfA()).map(({ name }) => name).sort()).toEqual([
      'bandwidth_upstream',
      'latency_downstream',
      'latency_upstream',
    ]);
  });

  it('keeps a refusing link when another link is healed', async () => {
    const { links, meet, restarts } = await setUp();
    await links.cut([{ from: 'a', to: 'b' }], 'refuse');
    await links.setBandwidth({ from: 'b', to: 'a' }, 500);
    meet(stuckOnRemoval());
    await links.setBandwidth({ from: 'b', to: 'a' }, undefined);
    expect(restarts()).toBe(1);
    expect(await links.state()).toMatchObject([{ from: 'a', to: 'b', cut: 'refuse' }, { latencyMs: 40 }]);
  });

  it('is an error if it is external', async () => {
    const { links, meet } = await setUp({ isOurs: false });
    await links.cut(cutPairs({ isolate: ['a'] }, TOPOLOGY), 'blackhole');
    meet(stuckOnRemoval());
    await expect(links.restore(cutPairs({ isolate: ['a'] }, TOPOLOGY))).rejects.toMatchObject({
      code: expect.stringMatching(/^TOXIPROXY_(STUCK|TIMEOUT)$/),
    });
  });
});

describe('a Toxiproxy that has lost its proxies', () => {
  it('gets them back, as after an incomplete restart', async () => {
    const { links, forget, restarts } = await setUp();
    await links.cut(cutPairs({ isolate: ['a'] }, TOPOLOGY), 'blackhole');
    await forget();
    await links.setBandwidth({ from: 'a', to: 'b' }, 500);
    expect(restarts()).toBe(0);
    expect(await links.state()).toMatchObject([
      { from: 'a', to: 'b', latencyMs: 40, rateKBps: 500, cut: 'blackhole' },
      { from: 'b', to: 'a', latencyMs: 40, cut: 'blackhole' },
    ]);
  });

  it('is not changed if it is external', async () => {
    const { links, forget } = await setUp({ isOurs: false });
    await forget();
    await expect(links.setBandwidth({ from: 'a', to: 'b' }, 500)).rejects.toMatchObject({
      code: 'TOXIPROXY_REFUSED',
      message: expect.stringContaining('proxy not found'),
    });
  });
});

describe('a Toxiproxy that is revived', () => {
  it('has exactly the toxics that were added and not removed meanwhile', async () => {
    const { links, meet, restarts, toxicsOfA } = await setUp();
    const [ab, ba] = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ];
    await links.setBandwidth(ab, 500);
    await links.cut([ab, ba], 'blackhole');
    meet(stuckOnRemoval());
    const restored = links.restore([ab, ba]);
    await vi.waitFor(() => expect(restarts()).toBe(1), { timeout: 15_000, interval: 1 });
    await Promise.all([restored, links.setBandwidth(ab, undefined), links.setBandwidth(ba, 700)]);
    expect((await toxicsOfA()).map(({ name }) => name).sort()).toEqual([
      'bandwidth_downstream',
      'latency_downstream',
      'latency_upstream',
    ]);
  });
});

describe('a Toxiproxy that was only slow', () => {
  it('is called again, and not restarted', async () => {
    const { links, meet, restarts } = await setUp();
    await links.cut(cutPairs({ isolate: ['a'] }, TOPOLOGY), 'blackhole');
    let hung = 0;
    meet((call) => (call.startsWith('GET /proxies/') && hung++ < 2 ? 'hang' : 'pass'));
    await links.restore(cutPairs({ isolate: ['a'] }, TOPOLOGY));
    expect(restarts()).toBe(0);
    expect(hung).toBeGreaterThan(2);
    expect((await links.state()).every(({ cut }) => cut === undefined)).toBe(true);
  });
});
