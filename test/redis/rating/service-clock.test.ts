import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createLimiter } from '../../../src/limiter/create.ts';
import { createGateway } from '../../../src/rating/gateway.ts';
import { readServiceClock, readServiceProcess, setServiceClock } from '../../../src/rating/remote-clock.ts';
import { createRatingService } from '../../../src/rating/service.ts';
import { ServiceClock } from '../../../src/rating/service-clock.ts';
import { freePort } from '../../support/free-port.ts';
import { postRating } from '../../support/rating-service.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';

let redis: TestServer;
beforeAll(async () => {
  redis = await startTestServer('redis-server');
});
afterAll(() => redis?.stop());

/** A service of the article's limiter, which decides by the service's clock; it ends with the test. */
async function start(clock: ServiceClock | undefined): Promise<string> {
  const nowMs = clock === undefined ? {} : { nowMs: clock.nowMs };
  const limiter = createLimiter({
    strategy: 'article',
    policy: '2:1/s',
    redis: { urls: [redis.url] },
    ...nowMs,
  });
  const app = createRatingService({ limiter, region: 'r0', evidence: false, ...(clock && { clock }) });
  onTestFinished(async () => {
    await app.close();
    await limiter.close();
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

const drain = async (url: string, user: string) => {
  let status: number;
  do status = (await postRating(url, user)).status;
  while (status === 201);
  return status;
};

it('a limiter on the clock of its service refills when that clock is set ahead', async () => {
  const url = await start(new ServiceClock());
  expect(await drain(url, 'ada')).toBe(429);
  await setServiceClock(url, 60_000);
  expect((await postRating(url, 'ada')).status).toBe(201);
  await setServiceClock(url, 0);
});

it('the clock of a service can only be set where that was allowed', async () => {
  const url = await start(undefined);
  await expect(setServiceClock(url, 1)).rejects.toThrow(/cannot be set: 404/);
});

it.each(['1', '{}', '{"offsetMs":"1"}', '{"offsetMs":1e12}', '{"offsetMs":null}'])(
  'no clock is set to %s',
  async (body) => {
    const clock = new ServiceClock();
    const url = await start(clock);
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/clock`, { method: 'PUT', headers, body })).status).toBe(400);
    expect(clock.offsetMs).toBe(0);
  },
);

it('names the service that does not reply', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  await expect(setServiceClock(url, 1)).rejects.toThrow(
    new RegExp(`at ${url} cannot be set: .*ECONNREFUSED`),
  );
});

async function startGateway(upstream: readonly string[], allowClockChange: boolean): Promise<string> {
  const gateway = createGateway({ region: 'r0', upstream, allowClockChange });
  onTestFinished(() => gateway.close());
  return gateway.listen({ host: '127.0.0.1', port: 0 });
}

it('the clock and the process of each service are reached through the gateway, where that was allowed', async () => {
  const clocks = [new ServiceClock(), new ServiceClock()];
  const silent = `http://127.0.0.1:${await freePort()}`;
  const services = [...(await Promise.all(clocks.map(start))), silent];
  const url = await startGateway(services, true);
  const [first, second, third, none] = [1, 2, 3, 4].map((instance) => `${url}/instances/${instance}`) as [
    ...[string, string, string, string],
  ];
  await setServiceClock(second, 60_000);
  expect(clocks.map(({ offsetMs }) => offsetMs)).toEqual([0, 60_000]);
  expect(await readServiceClock(second)).toBeGreaterThan(50_000);
  const ids = await Promise.all([first, second, first, third].map(readServiceProcess));
  expect(ids).toEqual([expect.any(String), expect.any(String), ids[0], undefined]);
  expect(ids[1]).not.toBe(ids[0]);
  await expect(setServiceClock(none, 1)).rejects.toThrow(/cannot be set: 404/);
  const closed = await startGateway(services, false);
  await expect(setServiceClock(`${closed}/instances/1`, 1)).rejects.toThrow(/cannot be set: 404/);
  await expect(readServiceProcess(silent)).rejects.toThrow(/no reply from/);
});
