import { describe, expect, it } from 'vitest';
import { createLinks, healLinks, proxyNames } from '../../src/regions/links.ts';
import { isolating } from '../../src/regions/pairs.ts';
import { RegionToxiproxy } from '../../src/regions/region-toxiproxy.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/regions/topology.ts';
import { ToxiproxyClient } from '../../src/toxiproxy/client.ts';
import { type ApiFault, startFaultyApi } from '../support/faulty-api.ts';
import { startTestToxiproxy } from '../support/toxiproxy.ts';

const TOPOLOGY = planTopology({ ...DEFAULT_TOPOLOGY, regions: ['a', 'b'], roundTripMs: { 'a:b': 80 } });
const PROXIES_TO = (region: string) =>
  TOPOLOGY.nodes.filter((node) => node.region === region).flatMap(({ name }) => proxyNames(name));

/** Links between two regions; what is asked of a's Toxiproxy meets faults. */
async function setUp({ canRestart = true } = {}) {
  const a = await startTestToxiproxy();
  const b = await startTestToxiproxy();
  const populate = async () => {
    for (const name of PROXIES_TO('b')) await a.proxy(name, 9);
  };
  await populate();
  for (const name of PROXIES_TO('a')) await b.proxy(name, 9);
  let faultOf: (call: string) => ApiFault = () => 'pass';
  const api = await startFaultyApi(a.url, (call) => faultOf(call));
  let restarts = 0;
  const restart = async () => {
    restarts++;
    faultOf = () => 'pass';
    for (const name of PROXIES_TO('b')) await a.call('DELETE', `/proxies/${name}`);
    await populate();
  };
  const client = new ToxiproxyClient({ url: api.url, timeoutMs: 200 });
  const links = createLinks(
    TOPOLOGY,
    new Map([
      ['a', new RegionToxiproxy(client, canRestart ? restart : undefined)],
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

describe('a Toxiproxy that hangs for good while it heals', () => {
  it('is started anew, once, and gets back the round trips and what else is in force', async () => {
    const { links, meet, restarts, toxicsOfA } = await setUp();
    const ab = { from: 'a', to: 'b' };
    await links.setBandwidth(ab, 500);
    await links.cut(isolating(['a'], TOPOLOGY), 'blackhole');
    meet(stuckOnRemoval());
    await links.restore(isolating(['a'], TOPOLOGY));
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

  it('gets back a link that refuses, when another link is healed', async () => {
    const { links, meet, restarts } = await setUp();
    await links.cut([{ from: 'a', to: 'b' }], 'refuse');
    await links.setBandwidth({ from: 'b', to: 'a' }, 500);
    meet(stuckOnRemoval());
    await links.setBandwidth({ from: 'b', to: 'a' }, undefined);
    expect(restarts()).toBe(1);
    expect(await links.state()).toMatchObject([{ from: 'a', to: 'b', cut: 'refuse' }, { latencyMs: 40 }]);
  });

  it('is an error where it is not ours to restart', async () => {
    const { links, meet } = await setUp({ canRestart: false });
    await links.cut(isolating(['a'], TOPOLOGY), 'blackhole');
    meet(stuckOnRemoval());
    await expect(links.restore(isolating(['a'], TOPOLOGY))).rejects.toMatchObject({
      code: expect.stringMatching(/^TOXIPROXY_(STUCK|TIMEOUT)$/),
    });
  });
});

describe('a Toxiproxy that was only slow', () => {
  it('is asked again, and not restarted', async () => {
    const { links, meet, restarts } = await setUp();
    await links.cut(isolating(['a'], TOPOLOGY), 'blackhole');
    let hung = 0;
    meet((call) => (call.startsWith('GET /proxies/') && hung++ < 2 ? 'hang' : 'pass'));
    await links.restore(isolating(['a'], TOPOLOGY));
    expect(restarts()).toBe(0);
    expect(hung).toBeGreaterThan(2);
    expect((await links.state()).every(({ cut }) => cut === undefined)).toBe(true);
  });
});
