import { afterEach, describe, expect, it } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { readHomes } from '../../src/limiter/homes/homes.ts';
import type { Limiter, RehomeOptions } from '../../src/limiter/limiter.ts';
import { recordKey } from '../../src/limiter/options/key.ts';
import { asCluster, CLIENTS, isEast, Regions, sourceOf, TABLE } from '../support/rehome/two-homes.ts';
import { startReplicated } from '../support/replicated.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const GO: RehomeOptions = { from: 'east', to: 'west', move: 1 };
const BACK: RehomeOptions = { from: 'west', to: 'east', move: 2 };
const LEASE = { leaseMs: 600, marginMs: 100 };
const moving = (move = 1) =>
  expect.objectContaining({
    ...{ code: 'BUCKET_MOVING', charge: 'none', message: `move ${move} of this bucket has not ended` },
  });
const moved = (move = 1) =>
  expect.objectContaining({
    ...{ code: 'BUCKET_MOVED', charge: 'none' },
    message: expect.stringMatching(`^move ${move} took this bucket away from 127.0.0.1:`),
  });

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Rig {
  readonly east: TestServer;
  readonly west: TestServer;
  readonly regions: Regions;
  limiter(options?: Partial<LimiterOptions>, client?: (typeof CLIENTS)[number]): Limiter;
  /** The server and the key of the bucket in a region. */
  at(region: string | undefined): { readonly server: TestServer; readonly key: string };
}

async function start(command: string, isReplicated = false): Promise<Rig> {
  const startOne = async () => {
    if (!isReplicated) return startTestServer(command);
    const { primary, stop } = await startReplicated(command);
    return { ...primary, stop };
  };
  const [east, west] = await Promise.all([startOne(), startOne()]);
  ends.push(() => Promise.all([east.stop(), west.stop()]));
  const regions = new Regions();
  const homes = { ...TABLE, regionOf: regions.regionOf };
  return {
    ...{ east, west, regions },
    limiter(options = {}, client = 'ioredis') {
      const redis = asCluster(sourceOf(client, east.port), sourceOf(client, west.port));
      const policy = 'policies' in options ? {} : { policy: '20:1/h' };
      const limiter = createLimiter({ ...policy, redis, homes, prefix: 'p', ...options } as LimiterOptions);
      ends.push(() => limiter.close());
      return limiter;
    },
    at(region) {
      const key = readHomes(homes, 'p').keyIn(ada, region);
      return { server: isEast(key) ? east : west, key };
    },
  };
}

const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

const takes = async (limiter: Limiter, count: number) => {
  for (let i = 0; i < count; i++) expect((await limiter.take(ada)).allowed).toBe(true);
};

describe.each(SERVERS)('a bucket that moves, on %s', { timeout: 60_000 }, (command) => {
  const STRATEGIES: readonly Partial<LimiterOptions>[] = [
    { strategy: 'central' },
    { strategy: 'central', batch: true },
    { strategy: 'acked', replicas: 1 },
    { strategy: 'lease', replicas: 1, lease: LEASE },
    { strategy: 'lease-unacked', lease: LEASE },
  ];

  describe.each(CLIENTS)('by %s', (client) => {
    const able = STRATEGIES.filter((options) => client === 'ioredis' || !('replicas' in options));
    it.each(able)('keeps its level there and back: $strategy', async (options) => {
      const rig = await start(command, 'replicas' in options);
      const [limiter, other] = [rig.limiter(options, client), rig.limiter(options, client)];
      await takes(limiter, 3);
      await takes(other, 2);
      const there = await limiter.rehome(ada, GO);
      expect(there.remainingTokens).toBeLessThanOrEqual(15);
      if (!('lease' in options)) expect(there.remainingTokens).toBe(15);
      expect(there.nodes).toEqual({
        from: `127.0.0.1:${rig.east.port}`,
        to: `127.0.0.1:${rig.west.port}`,
      });
      await expect.poll(() => errorOf(other.take(ada))).toEqual(moved());
      rig.regions.set('ada', 'west');
      expect((await other.peek(ada)).remainingTokens).toBe(there.remainingTokens);
      await expect.poll(async () => (await other.take(ada)).allowed).toBe(true);
      const back = await other.rehome(ada, BACK);
      expect(back.remainingTokens).toBeLessThan(there.remainingTokens);
      rig.regions.set('ada', undefined);
      await expect(limiter.rehome(ada, { from: 'east', move: 3 })).resolves.toMatchObject({
        remainingTokens: back.remainingTokens,
      });
      const { remainingTokens } = await limiter.peek(ada);
      expect(remainingTokens).toBeLessThanOrEqual(back.remainingTokens); // the other process may borrow again
      if (!('lease' in options)) expect(remainingTokens).toBe(back.remainingTokens);
    });
  });

  it('answers the same when the move is repeated, and changes nothing', async () => {
    const rig = await start(command);
    const limiter = rig.limiter();
    await takes(limiter, 5);
    const first = await limiter.rehome(ada, GO);
    expect(first.isRepeated).toBeUndefined();
    rig.regions.set('ada', 'west');
    await takes(limiter, 5);
    expect(await limiter.rehome(ada, GO)).toEqual({ ...first, isRepeated: true });
    expect((await limiter.peek(ada)).remainingTokens).toBe(10);
  });

  it('keeps each of several policies, and their change on the way', async () => {
    const rig = await start(command);
    const policies = { burst: '20:1/h', daily: '90:1/d' };
    const limiter = rig.limiter({ policies });
    await limiter.take(ada, { cost: { burst: 5, daily: 30 } });
    const levels = [
      { policy: 'burst', remainingTokens: 15 },
      { policy: 'daily', remainingTokens: 60 },
    ];
    expect(await limiter.rehome(ada, GO)).toMatchObject({ remainingTokens: 15, policies: levels });
    rig.regions.set('ada', 'west');
    expect((await limiter.peek(ada)).policies).toMatchObject(levels);
    const changed = rig.limiter({ policies: { ...policies, burst: '12:7/min', more: '4:1/h' } });
    expect((await changed.rehome(ada, BACK)).policies).toMatchObject([
      { policy: 'burst', remainingTokens: 12 },
      { policy: 'daily', remainingTokens: 60 },
      { policy: 'more', remainingTokens: 4 },
    ]);
  });

  it('reads a value of an earlier version', async () => {
    const rig = await start(command);
    const { server, key } = rig.at('east');
    const value = Buffer.alloc(16);
    const limiter = rig.limiter();
    value.writeDoubleLE(Date.now() * 1_000, 0);
    value.writeDoubleLE(7 * limiter.policy.quantaPerToken, 8);
    await server.client.set(key, value);
    expect((await limiter.rehome(ada, GO)).remainingTokens).toBe(7);
  });

  it('replaces what is at the new home, and keeps marks and records for their time', async () => {
    const rig = await start(command);
    const limiter = rig.limiter();
    rig.regions.set('ada', 'west');
    await takes(limiter, 1); // by a wrong regionOf
    rig.regions.set('ada', 'east');
    await takes(limiter, 5);
    expect(await limiter.rehome(ada, { ...GO, keepMs: 7_200_000 })).toMatchObject({ remainingTokens: 15 });
    const hours = async (region: string, keyOf = (key: string) => key) => {
      const { server, key } = rig.at(region);
      return (await server.client.pttl(keyOf(key))) / 3_600_000;
    };
    expect(await hours('east')).toBeCloseTo(20 + 1 / 60, 2); // as long as it takes to fill, and a minute
    expect(await hours('east', recordKey)).toBeCloseTo(20 + 1 / 60, 2);
    expect(await hours('west', recordKey)).toBeCloseTo(40 + 2 / 60, 2);
    await limiter.rehome(ada, { ...BACK, keepMs: 90_000_000 });
    expect(await hours('west')).toBeCloseTo(25, 2);
  });

  it('waits until no token is lent, and lends no more meanwhile', async () => {
    const rig = await start(command);
    const options = { strategy: 'lease', replicas: 0, lease: { leaseMs: 3_000, marginMs: 100 } } as const;
    const [holder, mover] = [rig.limiter(options), rig.limiter(options)];
    const before = performance.now();
    await takes(holder, 1);
    let isOver = false;
    const move = mover.rehome(ada, GO).then((result) => {
      isOver = true;
      return result;
    });
    await expect.poll(() => errorOf(mover.take(ada))).toEqual(moving());
    await takes(holder, 1); // what it has borrowed is its own until its lease ends
    expect(isOver).toBe(false);
    const { remainingTokens } = await move;
    expect(performance.now() - before).toBeGreaterThan(3_000);
    expect(remainingTokens).toBeLessThan(20);
    await expect.poll(() => errorOf(holder.take(ada))).toEqual(moved());
  });

  it('is lent again where the move died while it waited', { timeout: 20_000 }, async () => {
    const rig = await start(command);
    const options = { strategy: 'lease', replicas: 0, lease: { ...LEASE, leaseMs: 3_000 } } as const;
    const [holder, mover] = [rig.limiter(options), rig.limiter(options)];
    await takes(holder, 1);
    const move = mover.rehome(ada, GO);
    move.catch(() => {});
    const { server, key } = rig.at('east');
    await expect.poll(() => server.client.strlen(key)).toBe(33 + 2 * 56); // the second account stops it
    await mover.close();
    await expect(move).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
    const other = rig.limiter(options);
    await expect(other.take(ada)).rejects.toEqual(moving());
    const isAllowed = async () => (await other.take(ada).catch(() => undefined))?.allowed;
    await expect.poll(isAllowed, { timeout: 10_000, interval: 300 }).toBe(true);
  });
});
