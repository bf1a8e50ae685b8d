import { describe, expect, it, onTestFinished } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import { createGateway } from '../../src/rating/gateway.ts';
import { createRatingService } from '../../src/rating/service.ts';
import { connectPeer } from '../support/tcp-peer.ts';
import { unusedRedis } from '../support/unused-redis.ts';

const LIMIT_MS = 300;
const BYTE_EVERY_MS = 20;
const POST = 'POST /v1/ratings HTTP/1.1\r\nhost: a\r\n';

/** No request of these tests is ever complete, so neither Redis nor the upstream is used. */
const limiter = createLimiter({ policy: '2:1/h', redis: unusedRedis });

const SERVICES = {
  rating: (limits: object) => createRatingService({ limiter, region: 'r0', evidence: false, ...limits }),
  gateway: (limits: object) => createGateway({ region: 'r0', upstream: 'http://127.0.0.1:1', ...limits }),
};

describe.each(['rating', 'gateway'] as const)('serve %s', (role) => {
  it.each([
    { what: 'a head', begin: `${POST}x-slow: ` },
    { what: 'a body', begin: `${POST}content-type: application/json\r\ncontent-length: 1000\r\n\r\n` },
  ])('lets go of a client that sends $what for too long', async ({ begin }) => {
    const app = SERVICES[role]({ requestMs: LIMIT_MS });
    onTestFinished(async () => void (await app.close()));
    const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const { socket, closed, received } = await connectPeer(Number(url.port));
    socket.write(begin);
    const bytes = setInterval(() => socket.write('1'), BYTE_EVERY_MS);
    onTestFinished(() => clearInterval(bytes));
    socket.once('end', () => socket.destroy());
    await closed;
    expect(received()).toMatch(/^HTTP\/1.1 408 /);
  });

  it('gives a client 30 s', () => {
    const { server } = SERVICES[role]({});
    expect(server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 });
  });
});
