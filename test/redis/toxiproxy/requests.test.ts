import { expect, it } from 'vitest';
import { RegionToxiproxy } from '../../../src/regions/network/region-toxiproxy.ts';
import { ToxiproxyClient } from '../../../src/toxiproxy/client.ts';
import { startFaultyApi } from '../../support/faulty-api.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const slow = (latency: number) => {
  const attributes = { latency, jitter: 0 };
  return { name: 'slow', type: 'latency', stream: 'upstream', attributes } as const;
};

it('a change of a proxy is one request, unless another program has changed it', async () => {
  const server = await startTestToxiproxy();
  await server.proxy('p', 9);
  const api = await startFaultyApi(server.url, () => 'pass');
  const region = new RegionToxiproxy(new ToxiproxyClient({ url: api.url }));
  let before = 0;
  const sent = async (change: Promise<void>) => {
    await change;
    const requests = api.seen.slice(before);
    before = api.seen.length;
    return requests;
  };
  const [add, update] = ['POST /proxies/p/toxics', 'POST /proxies/p/toxics/slow'];
  expect(await sent(region.put('p', slow(10)))).toEqual([add]);
  expect(await sent(region.put('p', slow(20)))).toEqual([update]);
  expect(await sent(region.setEnabled('p', false))).toEqual(['POST /proxies/p']);
  await server.call('DELETE', '/proxies/p/toxics/slow');
  expect(await sent(region.put('p', slow(30)))).toEqual([update, add]);
  await region.drop('p', 'slow');
  await server.call('POST', '/proxies/p/toxics', slow(40));
  before = api.seen.length;
  expect(await sent(region.put('p', slow(50)))).toEqual([add, update]);
  const { json } = await server.call('GET', '/proxies/p');
  expect(json).toMatchObject({ enabled: false, toxics: [{ attributes: { latency: 50 } }] });
});
