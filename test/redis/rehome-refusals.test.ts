import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import { readHomes } from '../../src/limiter/homes/homes.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { recordKey } from '../../src/limiter/options/key.ts';
import type { RedisPort, RedisSource } from '../../src/limiter/redis/port.ts';
import { asCluster, Regions, sourceOf, TABLE } from '../support/rehome/two-homes.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };
const toWest = { from: 'east', to: 'west' } as const;
const toEast = { from: 'west', to: 'east' } as const;

/** Which moves are refused, and what then goes on. Every server answers alike: rehome.test.ts. */
describe('a move that is refused', { timeout: 60_000 }, () => {
  let server: TestServer;
  let limiter: Limiter;
  const ends: (() => Promise<unknown>)[] = [];
  const homes = { ...TABLE, regionOf: new Regions().regionOf };

  const limiterBy = (source: RedisSource, more: Partial<LimiterOptions> = {}): Limiter => {
    const redis = asCluster(source, source);
    const made = createLimiter({ policy: '20:1/h', redis, homes, prefix: 'p', ...more } as LimiterOptions);
    ends.push(() => made.close());
    return made;
  };
  beforeEach(async () => {
    server = await startTestServer('redis-server');
    ends.push(server.stop);
    limiter = limiterBy(sourceOf('ioredis', server.port));
    for (let i = 0; i < 5; i++) await limiter.take(ada);
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** A process that dies once it has made these steps. */
  const dying = (...steps: string[]): Limiter => {
    const source = sourceOf('ioredis', server.port);
    return limiterBy({
      ...source,
      open(): RedisPort {
        const port = source.open();
        return {
          ...port,
          run: async (script, keys, args) => {
            if (script.name.startsWith('rehome-') && !steps.includes(script.name.slice(7)))
              throw new Error('it died');
            return port.run(script, keys, args);
          },
        };
      },
    });
  };
  const refusal = (message: string, hint: RegExp) => ({
    ...{ code: 'MOVE_REFUSED', charge: 'none', message: `move ${message}` },
    hint: expect.stringMatching(hint),
  });
  const tokens = { remainingTokens: 15 };

  it('has a lower number than one before', async () => {
    await limiter.rehome(ada, { ...toWest, move: 5 });
    const later = refusal('4 was refused: east has seen move 5, which is later', /upward/);
    await expect(limiter.rehome(ada, { ...toEast, move: 4 })).rejects.toMatchObject(later);
    expect(await limiter.rehome(ada, { ...toEast, move: 6 })).toMatchObject(tokens);
  });

  it('has the number of another move', async () => {
    await limiter.rehome(ada, { ...toWest, move: 5 });
    const used = refusal('5 was refused: east has seen move 5 as another move', /upward/);
    await expect(limiter.rehome(ada, { ...toEast, move: 5 })).rejects.toMatchObject(used);
  });

  it('has the number of another move from there, of which the target is another', async () => {
    const [west, none] = await Promise.all([
      limiter.rehome(ada, { ...toWest, move: 1 }).catch((error: unknown) => error),
      limiterBy(sourceOf('ioredis', server.port))
        .rehome(ada, { from: 'east', move: 1 })
        .catch((error: unknown) => error),
    ]);
    const used = refusal('1 was refused: east has seen move 1 as another move', /upward/);
    const [to, other] = west instanceof Error ? [undefined, 'west'] : ['west', undefined];
    expect(to === undefined ? [none, west] : [west, none]).toMatchObject([tokens, used]);
    const refused = limiter.rehome(ada, { from: 'east', ...(other && { to: other }), move: 1 });
    await expect(refused).rejects.toMatchObject(used);
    const onward = { ...(to && { from: to }), ...(other && { to: other }), move: 2 };
    expect(await limiter.rehome(ada, onward)).toMatchObject(tokens);
  });

  it('is the right one after one from where the subject never had a bucket', async () => {
    expect(await limiter.rehome(ada, { to: 'west', move: 1 })).toMatchObject({ remainingTokens: 20 });
    const here = refusal('2 was refused: the bucket is at west already, where move 1 opened it', /check/);
    await expect(limiter.rehome(ada, { ...toWest, move: 2 })).rejects.toMatchObject(here);
    expect(await limiter.rehome(ada, { from: 'west', move: 3 })).toMatchObject({ remainingTokens: 20 });
    expect(await limiter.rehome(ada, { ...toWest, move: 4 })).toMatchObject(tokens);
  });

  it('begins where the bucket is not', async () => {
    await limiter.rehome(ada, { ...toWest, move: 1 });
    const away = refusal('2 was refused: the bucket is not at east: move 1 took it away', /check from/);
    await expect(limiter.rehome(ada, { from: 'east', move: 2 })).rejects.toMatchObject(away);
    const here = refusal(
      '3 was refused: the bucket is at west already, where move 1 opened it',
      /check from/,
    );
    await expect(limiter.rehome(ada, { to: 'west', move: 3 })).rejects.toMatchObject(here);
    expect(await limiter.rehome(ada, { from: 'west', move: 4 })).toMatchObject(tokens); // not closed any more
  });

  it.each([['close'], ['close', 'leave']])(
    'comes before another has ended, which made %s',
    async (...steps) => {
      await expect(dying(...steps).rehome(ada, { ...toWest, move: 1 })).rejects.toThrow('it died');
      const unfinished = refusal('2 was refused: move 1 to west has not ended', /repeat move 1 first/);
      await expect(limiter.rehome(ada, { ...toWest, move: 2 })).rejects.toMatchObject(unfinished);
      await expect(limiter.rehome(ada, { from: 'west', move: 2 })).rejects.toMatchObject(unfinished);
      expect(await limiter.rehome(ada, { ...toWest, move: 1 })).toMatchObject(tokens);
      expect(await limiter.rehome(ada, { from: 'west', move: 2 })).toMatchObject(tokens);
    },
  );

  it('died after close, and another went elsewhere: it is cancelled when it is repeated', async () => {
    await expect(dying('close').rehome(ada, { ...toWest, move: 1 })).rejects.toThrow('it died');
    expect(await limiter.rehome(ada, { from: 'east', move: 2 })).toMatchObject(tokens);
    const unfinished = refusal('3 was refused: move 1 to west has not ended', /repeat move 1 first/);
    await expect(limiter.rehome(ada, { to: 'west', move: 3 })).rejects.toMatchObject(unfinished);
    const later = refusal('1 was refused: east has seen move 2, which is later', /upward/);
    await expect(limiter.rehome(ada, { ...toWest, move: 1 })).rejects.toMatchObject(later);
    expect(await limiter.rehome(ada, { to: 'west', move: 3 })).toMatchObject(tokens);
  });

  it('is made by two processes at once, and both succeed', async () => {
    const both = [1, 2, 3].map(() =>
      limiterBy(sourceOf('ioredis', server.port)).rehome(ada, { ...toWest, move: 1 }),
    );
    for (const moved of await Promise.all(both)) expect(moved).toMatchObject(tokens);
  });

  it('is one of several at once: the first to leave wins, and the others leave nothing closed', async () => {
    const places = ['west', undefined];
    const moves = places.map((to, i) =>
      limiter.rehome(ada, { from: 'east', ...(to && { to }), move: i + 1 }).then(
        () => to ?? 'none',
        ({ code }: { code: string }) => code,
      ),
    );
    const results = await Promise.all(moves);
    expect(results.filter((result) => result !== 'MOVE_REFUSED')).toHaveLength(1);
    const here = results[0] === 'west' ? { from: 'west' } : {};
    expect(await limiter.rehome(ada, { ...here, to: 'east', move: 3 })).toMatchObject(tokens);
  });

  it('finds its record lost', async () => {
    await expect(dying('close', 'leave').rehome(ada, { ...toWest, move: 1 })).rejects.toThrow('it died');
    const [east, west] = ['east', 'west'].map((region) => readHomes(homes, 'p').keyIn(ada, region));
    await server.client.del(recordKey(east ?? ''), recordKey(west ?? ''));
    const used = refusal('1 was refused: east has seen move 1 as another move', /upward/);
    await expect(limiter.rehome(ada, { ...toWest, move: 1 })).rejects.toMatchObject(used);
  });

  it.each([
    [{ move: 1 }, /from and to must differ; found undefined twice/],
    [{ from: 'east', to: 'east', move: 1 }, /from and to must differ; found "east" twice/],
    [{ ...toWest, move: 0 }, /move must be a whole number of at least 1; found 0/],
    [{ ...toWest, move: 2 ** 53 }, /move must be/],
    [{ ...toWest, move: 1, keepMs: 0 }, /keepMs must be 1 to/],
    [{ ...toWest, move: 1, number: 2 }, /unknown option "number" of rehome/],
    [{ from: 'north', move: 1 }, /the home of a subject must be one of east, west.*found "north"/],
  ])('is asked for by wrong options: %o', async (options, says) => {
    const refused = { code: 'INVALID_OPTION', message: expect.stringMatching(says) };
    await expect(limiter.rehome(ada, options)).rejects.toMatchObject(refused);
  });

  it('is asked of a limiter without homes, or of a strategy that cannot', async () => {
    const redis = { urls: [server.url] };
    for (const more of [{}, { strategy: 'article' }, { strategy: 'lease', replicas: 0 }]) {
      const other = createLimiter({ policy: '20:1/h', redis, ...more } as LimiterOptions);
      ends.push(() => other.close());
      await expect(other.rehome(ada, { ...toWest, move: 1 })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    }
  });
});
