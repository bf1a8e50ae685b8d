import Fastify, { type FastifyInstance } from 'fastify';
import { type Dispatcher, Pool } from 'undici';
import { forward } from './forward.ts';
import { type Problem, reducedCapacity } from './problem.ts';
import { answerWithProblems, frameworkErrors, sendProblem } from './reply.ts';

export interface GatewayOptions {
  readonly region: string;
  /** The region's Rating service, `http://host:port`. */
  readonly upstream: string;
  /** Connect from this address: it is what places it in a region. */
  readonly localAddress?: string;
}

/** Requests in flight to the service; with too few the pool is what gets measured. */
const POOL_CONNECTIONS = 512;
const CONNECT_TIMEOUT_MS = 2_000;
const REPLY_TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 16_384;

const REQUEST_HEADERS = ['content-type', 'x-openclaw-user', 'x-openclaw-cost'] as const;
const REPLY_HEADERS = new Set([
  'content-type',
  'ratelimit-policy',
  'ratelimit',
  'retry-after',
  'openclaw-decision',
]);

/** Errors of undici that mean that no byte of the request was sent. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The gateway of one region: passes requests on to its Rating service, each exactly once. */
export function createGateway({ region, upstream, localAddress }: GatewayOptions): FastifyInstance {
  const pool = new Pool(upstream, {
    connections: POOL_CONNECTIONS,
    pipelining: 1,
    ...(localAddress && { localAddress }),
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: REPLY_TIMEOUT_MS,
    bodyTimeout: REPLY_TIMEOUT_MS,
  });
  const app = Fastify({ bodyLimit: MAX_BODY_BYTES, frameworkErrors });
  answerWithProblems(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onClose', () => pool.destroy());

  app.get('/healthz', async () => ({ status: 'ok', region, upstream }));

  app.all('/v1/*', async (request, reply) => {
    try {
      const answer = await forward(
        pool,
        {
          path: request.url,
          method: request.method as Dispatcher.HttpMethod,
          headers: pick(request.headers, REQUEST_HEADERS),
          body: Buffer.isBuffer(request.body) ? request.body : null,
        },
        REPLY_HEADERS,
      );
      return reply.code(answer.status).headers(answer.headers).send(answer.body);
    } catch (error) {
      sendProblem(reply, describeFailure(error));
      return reply;
    }
  });

  return app;
}

function describeFailure(error: unknown): Problem {
  const { code = 'UNKNOWN' } = error as { code?: string };
  return NEVER_SENT.has(code)
    ? reducedCapacity({
        detail: `no connection to the Rating service: ${code}`,
        code: 'SERVICE_UNREACHABLE',
        charge: 'none',
      })
    : reducedCapacity({
        detail: `no reply from the Rating service: ${code}`,
        code: 'SERVICE_REPLY_LOST',
        charge: 'possible',
        status: 504,
      });
}

function pick(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}
