import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { quoted } from '../core/errors.ts';
import { type Asked, rateLimit } from '../http/fastify.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { DECISION_ID_HEADER } from './decision-id-header.ts';
import { Ratings } from './ratings.ts';
import { answerWithProblems, frameworkErrors, RequestError } from './reply.ts';
import type { ServiceClock } from './service-clock.ts';

export interface RatingServiceOptions {
  readonly limiter: Limiter;
  readonly region: string;
  /** Say in every reply who decided and when, in the `openclaw-decision` header. For tests only. */
  readonly evidence: boolean;
  /**
   * Take decision ids from callers. Whoever chooses one can repeat an admission, so nobody but gateways may be able to
   * reach a service that does. Default false.
   */
  readonly decisionIds?: boolean;
  /** Opens `PUT /clock`, by which anybody who can reach the service sets this one. For tests only. */
  readonly clock?: ServiceClock;
  /** Told why nobody could decide; users are only told that. */
  readonly onUndecided?: (error: unknown) => void;
  /** Opens `GET /metrics` to whoever can reach the service: gives them as text in Prometheus' exposition format. */
  readonly metrics?: () => Promise<string>;
}

/** The endpoint's name in keys and in the names of policies. */
const ENDPOINT = 'ratings';

const MAX_BODY_BYTES = 1_024;
/** All headers together; beyond it the HTTP server itself answers 431. */
const MAX_HEADER_BYTES = 16_384;
const USER = /^[\w.@+-]{1,128}$/;
const DECISION_ID = /^[\w-]{1,64}$/;
const ITEM = /^[\w.~-]{1,128}$/;

/** The sample Rating service of one region: a request costs its user one token, or as many as `x-openclaw-cost` says. */
export function createRatingService(options: RatingServiceOptions): FastifyInstance {
  const { limiter, region, clock, metrics } = options;
  const ratings = new Ratings();
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    routerOptions: { maxParamLength: 128 },
    frameworkErrors,
    exposeHeadRoutes: false, // a HEAD would cost a token
  });
  app.removeContentTypeParser('text/plain');
  answerWithProblems(app);

  app.get('/healthz', async () => ({ status: 'ok', region, strategy: limiter.strategy }));

  if (clock !== undefined) {
    app.put('/clock', async (request) => {
      clock.offsetMs = readOffset(request.body);
      return { offsetMs: clock.offsetMs };
    });
  }

  if (metrics !== undefined)
    app.get('/metrics', async (_, reply) => reply.type('text/plain; version=0.0.4').send(await metrics()));

  app.register(async (limited) => {
    limited.register(rateLimit, {
      limiter,
      subject: readAsked,
      policyName: ENDPOINT,
      evidence: options.evidence,
      hook: 'preHandler', // what is at fault was refused before, and charges nobody
      ...(options.onUndecided && { onError: options.onUndecided }),
    });

    limited.post<{ Body: Rating }>('/v1/ratings', { preValidation: parseBody }, async ({ body }, reply) =>
      reply.code(201).send(ratings.add(body.item, body.score)),
    );

    limited.get<{ Params: Item }>(
      '/v1/ratings/:item',
      { preValidation: parseItem },
      async ({ params }, reply) => reply.send(ratings.get(params.item)),
    );
  });

  function readAsked({ headers }: FastifyRequest): Asked {
    const cost = headers['x-openclaw-cost'] ?? '1';
    return {
      user: readUser(headers['x-openclaw-user']),
      endpoint: ENDPOINT,
      cost: readCost(cost, limiter.policy.capacityTokens),
      ...(options.decisionIds && readDecisionId(headers[DECISION_ID_HEADER])),
    };
  }

  return app;
}

function readUser(user: unknown): string {
  if (typeof user === 'string' && USER.test(user)) return user;
  throw new RequestError(
    `x-openclaw-user must be 1 to 128 letters, digits and _ . @ + - ; found ${quoted(user)}`,
  );
}

function readCost(cost: unknown, capacityTokens: number): number {
  if (typeof cost === 'string' && /^[1-9]\d*$/.test(cost) && Number(cost) <= capacityTokens)
    return Number(cost);
  throw new RequestError(
    `x-openclaw-cost must be a whole number from 1 to ${capacityTokens}; found ${quoted(cost)}`,
  );
}

function readDecisionId(id: unknown): { decisionId?: string } {
  if (id === undefined) return {};
  if (typeof id === 'string' && DECISION_ID.test(id)) return { decisionId: id };
  throw new RequestError(`${DECISION_ID_HEADER} must be 1 to 64 letters, digits and - ; found ${quoted(id)}`);
}

interface Item {
  readonly item: string;
}

interface Rating extends Item {
  readonly score: number;
}

async function parseBody(request: FastifyRequest): Promise<void> {
  request.body = readRating(request.body);
}

async function parseItem(request: FastifyRequest): Promise<void> {
  readItem((request.params as { item?: unknown }).item);
}

function readRating(body: unknown): Rating {
  const { item, score } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  if (typeof score !== 'number' || !Number.isInteger(score) || score < 1 || score > 5) {
    throw new RequestError(`score must be a whole number from 1 to 5; found ${quoted(score)}`);
  }
  return { item: readItem(item), score };
}

/** A year and more either way: what a clock can be off by without leaving the numbers that scripts take. */
const MAX_OFFSET_MS = 1e11;

function readOffset(body: unknown): number {
  const { offsetMs } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  if (typeof offsetMs === 'number' && Math.abs(offsetMs) <= MAX_OFFSET_MS) return offsetMs;
  throw new RequestError(`offsetMs must be a number of milliseconds; found ${quoted(offsetMs)}`);
}

function readItem(item: unknown): string {
  if (typeof item === 'string' && ITEM.test(item)) return item;
  throw new RequestError(`item must be 1 to 128 letters, digits and _ . ~ - ; found ${quoted(item)}`);
}
