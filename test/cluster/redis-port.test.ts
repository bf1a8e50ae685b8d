import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter, Subject } from '../../src/limiter/limiter.ts';
import { bucketKey, memoryKey } from '../../src/limiter/options/key.ts';
import { keySlot } from '../../src/limiter/redis/hash-slot.ts';
import type { RedisPort, RedisSource } from '../../src/limiter/redis/port.ts';
import { announceProxies, startTestCluster } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { COUNT, PORTS } from '../support/redis-ports.ts';
import type { ProxyMode, RedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, type TestServer } from '../support/server.ts';

/** Longer than a busy machine takes for a reply; a test that waits for it to pass has the short one. */
const TIMEOUT_MS = 5_000;
const SHORT_TIMEOUT_MS = 700;
const timeoutFor = (mode: ProxyMode) => (mode === 'swallow-replies' ? SHORT_TIMEOUT_MS : TIMEOUT_MS);

describe.each(SERVERS)('on a cluster of %s', { timeout: 60_000 }, (command) => {
  let nodes: [TestServer, TestServer];
  const ports: RedisPort[] = [];
  const proxies: RedisProxy[] = [];
  beforeAll(async () => {
    nodes = (await startTestCluster(command, 2)) as [TestServer, TestServer];
  });
  afterEach(async () => {
    for (const port of ports.splice(0)) await port.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
    for (const { client, port } of nodes) {
      await client.config('SET', 'cluster-announce-port', port);
      await client.flushall();
    }
    // Each hears of the other's port by gossip: until then clients would be sent to a proxy that is gone.
    await vi.waitFor(async () => expect(await announced()).toEqual([addresses(), addresses()]), 20_000);
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  const addresses = () => nodes.map(({ port }) => port).sort();

  /** The ports that each node sends clients to. */
  async function announced(): Promise<number[][]> {
    const views = await Promise.all(nodes.map(({ client }) => client.cluster('SLOTS')));
    return views.map((ranges) => [...new Set(ranges.map((range) => range[2]?.[1] ?? 0))].sort());
  }

  function open(source: RedisSource): RedisPort {
    const port = source.open();
    ports.push(port);
    return port;
  }

  const setMode = (mode: ProxyMode) => {
    for (const proxy of proxies) proxy.mode = mode;
  };

  /** Runs the counting script; an error in the place of the count. */
  const count = (port: RedisPort, ...keys: string[]) =>
    port.run(COUNT, keys, []).then(
      ({ values: [value] }) => value,
      (error) => error,
    );

  /** The node that keeps the slot of this key, and the other one. */
  async function around(key: string) {
    const slot = Number(await nodes[0].client.cluster('KEYSLOT', key));
    const [first, second] = nodes;
    const [source, target] = slot < 8_192 ? [first, second] : [second, first];
    const [sourceId, targetId] = await Promise.all(
      [source, target].map(async ({ client }) => String(await client.cluster('MYID'))),
    );
    return { slot, source, target, sourceId: sourceId ?? '', targetId: targetId ?? '' };
  }
  type Move = Awaited<ReturnType<typeof around>>;

  async function beginMove({ slot, source, target, sourceId, targetId }: Move): Promise<void> {
    await target.client.cluster('SETSLOT', slot, 'IMPORTING', sourceId);
    await source.client.cluster('SETSLOT', slot, 'MIGRATING', targetId);
  }
  const moveKey = ({ source, target }: Move, key: string) =>
    source.client.call('MIGRATE', '127.0.0.1', target.port, key, 0, 1_000);
  async function endMove({ slot, source, target, targetId }: Move): Promise<void> {
    for (const { client } of [target, source]) await client.cluster('SETSLOT', slot, 'NODE', targetId);
  }
  /** Gives an unserved slot back to this node, and waits until all nodes know. */
  async function serveAgain({ client: owner }: TestServer, slot: number): Promise<void> {
    await owner.cluster('ADDSLOTS', slot);
    const states = () => Promise.all(nodes.map(({ client }) => client.cluster('INFO')));
    const ok = expect.stringContaining('cluster_state:ok');
    await expect.poll(states, { timeout: 30_000 }).toEqual([ok, ok]);
  }
  /** The counts of this key on both nodes, on whichever it is. */
  async function stored(key: string): Promise<number> {
    const values = await Promise.all(
      nodes.map(async ({ client }) => Number(await client.get(key).catch(() => 0))),
    );
    return values.reduce((sum, value) => sum + value, 0);
  }

  describe.each(PORTS)('a port by $name', ({ name, cluster, standalone }) => {
    it('runs each script on the node that keeps the slot, and names that node', async () => {
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      await redis.ready();
      for (const { client } of nodes) await client.script('FLUSH');
      for (let i = 0; i < 20; i++) {
        const { source } = await around(`k${i}`);
        expect(await redis.run(COUNT, [`k${i}`], [])).toEqual({
          values: [1],
          node: `127.0.0.1:${source.port}`,
        });
        expect(await source.client.get(`k${i}`)).toBe('1');
      }
      for (const { client } of nodes) expect(await client.dbsize()).toBeGreaterThan(3);
    });

    it('follows a slot while it moves and after it has, once each', async () => {
      const key = `mover ${name}`; // a slot of its own: it stays where it was moved to
      const move = await around(key);
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      expect(await count(redis, key)).toBe(1);
      await beginMove(move);
      expect(await redis.run(COUNT, [key], [])).toMatchObject({
        values: [2],
        node: `127.0.0.1:${move.source.port}`,
      });
      await moveKey(move, key);
      await move.target.client.script('FLUSH'); // the script must follow by ASK, too
      const result = { values: [3], node: `127.0.0.1:${move.target.port}` };
      expect(await redis.run(COUNT, [key], [])).toMatchObject(result);
      await endMove(move);
      expect(await Promise.all(Array.from({ length: 8 }, () => count(redis, key)))).toEqual([
        4, 5, 6, 7, 8, 9, 10, 11,
      ]);
      expect(await redis.run(COUNT, [key], [])).toMatchObject({ values: [12], node: result.node });
    });

    it('says that no charge was made: keys of a slot that is half moved', async () => {
      const [left, right] = [`{half ${name}}left`, `{half ${name}}right`];
      const move = await around(left);
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      await count(redis, left, right);
      await move.source.client.set(right, '1');
      await beginMove(move);
      await moveKey(move, left);
      expect(await count(redis, left, right)).toMatchObject({ code: 'REDIS_SLOT_MOVING', charge: 'none' });
      expect(await stored(left)).toBe(0); // the node asks for ASKING before it gives it
      await moveKey(move, right);
      await endMove(move);
      expect(await count(redis, left, right)).toBe(2);
    });

    describe('under a limiter, while a slot moves', () => {
      const policy = '20:1/d';
      /** Two subjects whose buckets are in one slot, without a tag that says so. */
      function neighbours(prefix: string): [Subject, Subject] {
        const bySlot = new Map<number, Subject>();
        for (let i = 0; ; i++) {
          const subject = { user: `u${i}`, endpoint: 'e' };
          const slot = keySlot(bucketKey(prefix, subject));
          const other = bySlot.get(slot);
          if (other !== undefined) return [other, subject];
          bySlot.set(slot, subject);
        }
      }
      function limit(prefix: string, batch: boolean): Limiter {
        const redis = cluster(addresses(), TIMEOUT_MS);
        const limiter = createLimiter({ policy, redis, prefix, batch });
        onTestFinished(() => limiter.close());
        return limiter;
      }

      it('a batch of some keys here and some there decides each, and charges each once', async () => {
        const prefix = `batch-${name.replaceAll(' ', '-')}`;
        const subjects = neighbours(prefix);
        const limiter = limit(prefix, true);
        const takeBoth = async () => {
          const decisions = await Promise.all(
            [...subjects, ...subjects].map((subject) => limiter.take(subject)),
          );
          return decisions.map(({ remainingTokens, evidence }) => [remainingTokens, evidence.node]);
        };
        const [here, there] = subjects;
        const move = await around(bucketKey(prefix, here));
        const [source, target] = [move.source, move.target].map(({ port }) => `127.0.0.1:${port}`);
        expect(await takeBoth()).toEqual([
          [19, source],
          [19, source],
          [18, source],
          [18, source],
        ]);
        await beginMove(move);
        await moveKey(move, bucketKey(prefix, there));
        expect(await takeBoth()).toEqual([
          [17, source],
          [17, target],
          [16, source],
          [16, target],
        ]);
        await moveKey(move, bucketKey(prefix, here));
        await endMove(move);
        expect(await takeBoth()).toEqual([
          [15, target],
          [15, target],
          [14, target],
          [14, target],
        ]);
      });

      it('a new decision id is refused for certain, with what to do; a known one is answered', async () => {
        const prefix = `id-${name.replaceAll(' ', '-')}`;
        const [subject] = neighbours(prefix);
        const limiter = limit(prefix, false);
        const key = bucketKey(prefix, subject);
        const first = await limiter.take(subject, { decisionId: 'known' });
        const move = await around(key);
        await beginMove(move);
        const moving = {
          code: 'REDIS_SLOT_MOVING',
          charge: 'none',
          hint: expect.stringMatching(/retry with the same decision id/),
        };
        const refused = (act: Promise<unknown>) => expect(act).rejects.toMatchObject(moving);
        expect(await limiter.take(subject, { decisionId: 'known' })).toEqual({
          ...first,
          isRemembered: true,
        });
        await refused(limiter.take(subject, { decisionId: 'new' }));
        await refused(limiter.refund(subject, { decisionId: 'new' }));
        await moveKey(move, key); // now the memory of the known one is left behind
        await refused(limiter.take(subject, { decisionId: 'known' }));
        await refused(limiter.take(subject, { decisionId: 'new' }));
        expect((await limiter.take(subject)).remainingTokens).toBe(18);
        await moveKey(move, memoryKey(key, 'take', 'known'));
        await endMove(move);
        expect(await limiter.take(subject, { decisionId: 'known' })).toMatchObject({
          remainingTokens: 19,
          isRemembered: true,
        });
        expect((await limiter.take(subject, { decisionId: 'new' })).remainingTokens).toBe(17);
      });

      it('a reservation is refused for certain while its keys are apart, and settled once they are not', async () => {
        const prefix = `reserve-${name.replaceAll(' ', '-')}`;
        const [subject] = neighbours(prefix);
        const limiter = limit(prefix, false);
        const key = bucketKey(prefix, subject);
        const reservation = await limiter.reserve(subject, {
          cost: 8,
          decisionId: 'job',
          expiresMs: 600_000,
        });
        const move = await around(key);
        await beginMove(move);
        await moveKey(move, key); // its record is left behind
        const refused = (act: Promise<unknown>) =>
          expect(act).rejects.toMatchObject({ code: 'REDIS_SLOT_MOVING', charge: 'none' });
        await refused(limiter.reserve(subject, { decisionId: 'job' }));
        await refused(reservation.extend(1));
        await refused(reservation.settle(0));
        expect((await limiter.take(subject)).remainingTokens).toBe(11);
        await moveKey(move, memoryKey(key, 'reserve', 'job'));
        await endMove(move);
        expect((await limiter.reserve(subject, { decisionId: 'job' })).decision.isRemembered).toBe(true);
        expect((await reservation.extend(1)).remainingTokens).toBe(10);
        expect((await reservation.settle(4)).level?.remainingTokens).toBe(15);
      });
    });

    it('does not query the cluster for each take of an unserved slot', async () => {
      const key = 'orphan';
      const { slot, source } = await around(key);
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      expect(await count(redis, key)).toBe(1);
      const received = async () => {
        const infos = await Promise.all(nodes.map(({ client }) => client.info('stats')));
        const numbers = infos.map((info) => Number(/total_connections_received:(\d+)/.exec(info)?.[1]));
        return numbers.reduce((sum, number) => sum + number, 0);
      };
      for (const { client } of nodes) await client.cluster('DELSLOTS', slot); // all nodes know that it is unserved
      try {
        await count(redis, key); // hears of it
        const [before, sinceMs] = [await received(), performance.now()];
        for (let i = 0; i < 300; i++)
          expect(await count(redis, key)).toMatchObject({ code: 'REDIS_CLUSTER_DOWN', charge: 'none' });
        const looks = 2 + (performance.now() - sinceMs) / 100;
        expect((await received()) - before).toBeLessThan(2 * looks);
      } finally {
        await serveAgain(source, slot);
      }
      await expect.poll(() => count(redis, key), { timeout: 30_000 }).toBe(2);
    });

    it('ends a look at the cluster that is under way when it is closed', async () => {
      const sockets = new Set<Socket>();
      const silent = createServer((socket) => {
        sockets.add(socket);
        socket
          .on('error', () => {})
          .on('close', () => sockets.delete(socket))
          .resume();
      }).listen(0, '127.0.0.1');
      onTestFinished(() => {
        silent.close();
        for (const socket of sockets) socket.destroy();
      });
      await once(silent, 'listening');
      const redis = open(cluster([(silent.address() as AddressInfo).port], 60_000));
      const result = count(redis, 'ada');
      await expect.poll(() => sockets.size, { timeout: 5_000 }).toBeGreaterThan(0);
      await redis.close();
      expect(await result).toMatchObject({ code: 'LIMITER_CLOSED', charge: 'none' });
      await expect.poll(() => sockets.size, { timeout: 5_000 }).toBe(0); // ioredis ends its own in two seconds
    });

    it('does not give a problem that is over as the reason of another', async () => {
      proxies.push(...(await announceProxies(nodes)));
      const redis = open(
        cluster(
          proxies.map(({ port }) => port),
          SHORT_TIMEOUT_MS,
        ),
      );
      const [first, second] = proxies as [RedisProxy, RedisProxy];
      const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
      const [one, two] = [
        keys.find((key) => keySlot(key) < 8_192),
        keys.find((key) => keySlot(key) >= 8_192),
      ];
      const succeeds = (key = '') =>
        expect.poll(() => count(redis, key), { timeout: 30_000 }).toBeTypeOf('number');
      await Promise.all([succeeds(one), succeeds(two)]);
      await nodes[0].client.config('SET', 'requirepass', 'x');
      try {
        first.cut();
        await expect
          .poll(() => count(redis, one ?? ''), { timeout: 10_000 })
          .toMatchObject({ code: 'REDIS_AUTH', charge: 'none' });
      } finally {
        await nodes[0].client.config('SET', 'requirepass', '');
      }
      await Promise.all([succeeds(one), succeeds(two)]);
      second.mode = 'hold-replies'; // the next connection stays in its handshake
      second.cut();
      const failures: Error[] = [];
      const fails = async () => {
        failures.push(await count(redis, two ?? ''));
        return failures.at(-1);
      };
      await expect.poll(fails).toMatchObject({ charge: 'none', code: 'REDIS_UNREACHABLE' });
      for (const { message } of failures) expect(message).not.toMatch(/NOAUTH|WRONGPASS|password/i);
    });

    it('says that no charge was made if no node serves the slot', async () => {
      const key = 'orphan';
      const { slot, source } = await around(key);
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      expect(await count(redis, key)).toBe(1);
      await source.client.cluster('DELSLOTS', slot);
      try {
        const down = { code: 'REDIS_CLUSTER_DOWN', charge: 'none' };
        expect(await count(redis, key)).toMatchObject(down);
        // A new client may not connect at all, since valkey-server names no slots while one is not served.
        expect(await count(open(cluster(addresses(), TIMEOUT_MS)), key)).toMatchObject({
          code: expect.stringMatching(/^REDIS_(CLUSTER_DOWN|UNREACHABLE)$/),
          charge: 'none',
        });
      } finally {
        await serveAgain(source, slot);
      }
      await expect.poll(() => count(redis, key), { timeout: 30_000 }).toBe(2);
    });

    it('says that no charge was made, and what to do: a node of a cluster was given as a server by itself', async () => {
      const { target } = await around('ada');
      expect(await count(open(standalone(target.port, TIMEOUT_MS)), 'ada')).toMatchObject({
        code: 'REDIS_CLUSTER_DOWN',
        charge: 'none',
        hint: expect.stringMatching(/set cluster: true/),
      });
    });

    it('says that no charge was made: no node can be reached', async () => {
      const redis = open(cluster([await freePort(), await freePort()], TIMEOUT_MS));
      const expected = { code: 'REDIS_UNREACHABLE', charge: 'none' };
      expect(await count(redis, 'ada')).toMatchObject(expected);
      await expect(redis.ready()).rejects.toMatchObject(expected);
    });

    it('says that no charge was made: wrong password, or none', async () => {
      for (const { client } of nodes) await client.config('SET', 'requirepass', 'right');
      try {
        for (const login of [{ password: 'wrong' }, {}]) {
          const error = await count(open(cluster(addresses(), TIMEOUT_MS, login)), 'ada');
          expect(error).toMatchObject({ code: 'REDIS_AUTH', charge: 'none' });
          expect(`${error.message} ${error.hint}`).not.toMatch(/: wrong/);
        }
        const login = { password: 'right' };
        expect(await count(open(cluster(addresses(), TIMEOUT_MS, login)), 'ada')).toBe(1);
      } finally {
        for (const { client } of nodes) await client.config('SET', 'requirepass', '');
      }
    });

    it.each<[ProxyMode, string, number]>([
      ['cut-before-reply', 'REPLY_LOST', 1],
      ['swallow-replies', 'REPLY_TIMEOUT', 1],
      ['cut-before-request', 'REPLY_LOST', 0],
    ])('says that a charge is possible, and sends nothing twice: %s', async (mode, code, ran) => {
      proxies.push(...(await announceProxies(nodes)));
      const redis = open(
        cluster(
          proxies.map(({ port }) => port),
          timeoutFor(mode),
        ),
      );
      const succeeds = (key: string) =>
        expect.poll(() => count(redis, key), { timeout: 30_000 }).toBeTypeOf('number');
      await succeeds('{ada}before'); // a reply of NOSCRIPT would be lost otherwise
      setMode(mode);
      expect(await count(redis, '{ada}')).toMatchObject({ code, charge: 'possible' });
      setMode('pass');
      for (const proxy of mode === 'swallow-replies' ? [] : proxies) proxy.cut();
      await succeeds('{ada}again');
      expect(await count(redis, '{ada}')).toBe(ran + 1);
      expect(await stored('{ada}')).toBe(ran + 1);
    });

    it('refuses once it is closed, and leaves no connection', async () => {
      const connections = async () => {
        const lists = await Promise.all(
          nodes.map(({ client }) => client.call('CLIENT', 'LIST', 'TYPE', 'NORMAL')),
        );
        // MIGRATE keeps a connection of its own for ten seconds, without a library's name.
        return lists.map((list) => String(list).match(/lib-name=\S/g)?.length);
      };
      const onlyOurs = () => expect.poll(connections, { timeout: 5_000 }).toEqual([1, 1]);
      await onlyOurs();
      const redis = open(cluster(addresses(), TIMEOUT_MS));
      for (let i = 0; i < 10; i++) await count(redis, `k${i}`);
      const hasOpened = async () => (await connections()).every((number = 0) => number > 1);
      await expect.poll(hasOpened, { timeout: 5_000 }).toBe(true); // a client names its library when it likes
      await redis.close();
      expect(await count(redis, 'ada')).toMatchObject({ code: 'LIMITER_CLOSED', charge: 'none' });
      await onlyOurs();
    });
  });
});
