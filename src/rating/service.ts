import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Decision, formatEvidence } from '../core/decision.ts';
import { OpenclawError, quoted } from '../core/errors.ts';
import { rateLimitHeaders } from '../limiter/headers.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { DECISION_ID_HEADER } from './decision-id-header.ts';
import { quotaExceeded, reducedCapacity } from './problem.ts';
import { Ratings } from './ratings.ts';
import { answerWithProblems, frameworkErrors, RequestError, sendProblem } from './reply.ts';
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
  readonly onUndecided?: (error: OpenclawError) => void;
}

/** The endpoint's name in keys and in the names of policies. */
const ENDPOINT = 'ratings';

const UNDECIDED = 'The store of the rate limits could not be asked; try again later.';
const MAX_BODY_BYTES = 1_024;
/** All headers together; beyond it the HTTP server itself answers 431. */
const MAX_HEADER_BYTES = 16_384;
const USER = /^[\w.@+-]{1,128}$/;
const DECISION_ID = /^[\w-]{1,64}$/;
const ITEM = /^[\w.~-]{1,128}$/;

/** The sample Rating service of one region: a request costs its user one token, or as many as `x-openclaw-cost` says. */
export function createRatingService(options: RatingServiceOptions): FastifyInstance {
  const { limiter, region, clock } = options;
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

  app.post('/v1/ratings', async (request, reply) => {
    const asked = readAsked(request);
    const { item, score } = readRating(request.body);
    if (await admit(reply, asked)) reply.code(201).send(ratings.add(item, score));
    return reply;
  });

  app.get<{ Params: { item: string } }>('/v1/ratings/:item', async (request, reply) => {
    const asked = readAsked(request);
    const item = readItem(request.params.item);
    if (await admit(reply, asked)) reply.send(ratings.get(item));
    return reply;
  });

  /** Asks the limiter; answers 429 or 503 itself, and says whether the request may go on. */
  async function admit(reply: FastifyReply, { user, ...asked }: Asked): Promise<boolean> {
    try {
      const decision = await limiter.take({ user, endpoint: ENDPOINT }, asked);
      describe(reply, decision);
      if (!decision.allowed) sendProblem(reply, quotaExceeded(ENDPOINT));
      return decision.allowed;
    } catch (error) {
      if (!(error instanceof OpenclawError)) throw error;
      options.onUndecided?.(error);
      reply.headers(rateLimitHeaders(ENDPOINT, limiter.policy, undefined));
      sendProblem(reply, reducedCapacity({ detail: UNDECIDED, code: error.code, charge: error.charge }));
      return false;
    }
  }

  function readAsked({ headers }: FastifyRequest): Asked {
    const cost = headers['x-openclaw-cost'] ?? '1';
    return {
      user: readUser(headers['x-openclaw-user']),
      cost: readCost(cost, limiter.policy.capacityTokens),
      ...(options.decisionIds && readDecisionId(headers[DECISION_ID_HEADER])),
    };
  }

  function describe(reply: FastifyReply, decision: Decision): void {
    reply.headers(rateLimitHeaders(ENDPOINT, limiter.policy, decision));
    if (options.evidence) reply.header('openclaw-decision', formatEvidence(decision.evidence));
  }

  return app;
}

/** Who asks, and for how many tokens. */
interface Asked {
  readonly user: string;
  readonly cost: number;
  readonly decisionId?: string;
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

function readRating(body: unknown): { item: string; score: number } {
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
