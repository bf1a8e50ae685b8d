import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { quoted } from '../core/printable.ts';
import { rateLimit } from '../http/fastify.ts';
import { badRequest, PROBLEM_TYPE, type Problem, reducedCapacity } from '../http/problem.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { makeReadAsked } from './asked.ts';
import { ENDPOINT } from './endpoint.ts';
import { Ratings } from './ratings.ts';
import { RequestError } from './request-error.ts';
import { requestLimits } from './request-limits.ts';
import { Reserving } from './reserving.ts';
import type { ServiceClock } from './service-clock.ts';

export interface RatingServiceOptions {
  readonly limiter: Limiter;
  readonly region: string;
  /** What `/healthz` says besides. */
  readonly setting?: ServiceSetting;
  /**
   * Sends the evidence of every decision in the `openclaw-decision` header, and takes `x-openclaw-actual`: the request then
   * reserves its cost and settles at this. For tests only.
   */
  readonly evidence: boolean;
  /**
   * Accepts decision ids from callers. A caller who chooses one can replay an admission, so only gateways may reach
   * such a service. Default false.
   */
  readonly decisionIds?: boolean;
  /** Opens `/clock`, with which every client can read and set this clock, and tell this process from another. For tests only. */
  readonly clock?: ServiceClock;
  /** Called with the error of an undecided request; users get only its code. */
  readonly onUndecided?: (error: unknown) => void;
  /** Opens `GET /metrics` to every client of the service; returns Prometheus text format. */
  readonly metrics?: () => Promise<string>;
  /** Milliseconds in which a client must send a request; default 30000. */
  readonly requestMs?: number;
}

/** What a service was started with: a load on services that run already compares it with its plan. */
export interface ServiceSetting {
  /** One, or several as `parsePolicies` reads them. */
  readonly policy: string;
  readonly prefix: string;
  readonly onFailure: string;
  /** Of each primary; all of them must acknowledge an admission or a loan. Absent: none. */
  readonly replicas?: number;
}

const MAX_BODY_BYTES = 1_024;
/** All headers together; beyond it the HTTP server itself replies 431. */
const MAX_HEADER_BYTES = 16_384;
const ITEM = /^[\w.~-]{1,128}$/;

/** The sample Rating service of one region: a request costs its user one token, or as many as `x-openclaw-cost` says, of several policies also by name. */
export function createRatingService(options: RatingServiceOptions): FastifyInstance {
  const { limiter, region, setting, evidence, clock, metrics } = options;
  const { strategy } = limiter;
  const limits = requestLimits(options.requestMs);
  const ratings = new Ratings();
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    http: { maxHeaderSize: MAX_HEADER_BYTES, ...limits },
    requestTimeout: limits.requestTimeout, // Fastify sets its own, none, after `http`
    routerOptions: { maxParamLength: 128 },
    frameworkErrors,
    exposeHeadRoutes: false, // a HEAD would cost a token
  });
  app.removeContentTypeParser('text/plain');
  answerWithProblems(app);

  app.get('/healthz', async () => ({ status: 'ok', region, strategy, ...setting, evidence }));

  if (clock !== undefined) {
    const process = randomUUID();
    app.get('/clock', async () => ({ nowMs: clock.nowMs(), process }));
    app.put('/clock', async (request) => {
      clock.offsetMs = readOffset(request.body);
      return { offsetMs: clock.offsetMs };
    });
  }

  if (metrics !== undefined)
    app.get('/metrics', async (_, reply) => reply.type('text/plain; version=0.0.4').send(await metrics()));

  const reserving = new Reserving();

  app.register(async (limited) => {
    limited.addHook('onSend', reserving.addHeader);
    limited.register(rateLimit, {
      limiter: options.evidence ? reserving.limiterOf(limiter) : limiter,
      onDecision: reserving.noteDecision,
      subject: makeReadAsked({
        limiter,
        decisionIds: options.decisionIds,
        reserving: options.evidence ? reserving : undefined,
      }),
      policyName: ENDPOINT,
      evidence: options.evidence,
      hook: 'preHandler', // invalid requests are rejected before, and charge no user
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

  return app;
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

/** More than three years either way; within it, script numbers stay exact. */
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

function sendProblem(reply: FastifyReply, problem: Problem): void {
  reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** Fastify's option of this name: errors before routing, such as an invalid URL. */
function frameworkErrors(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, toProblem(error));
}

/** Turns every error into a problem document: body too large, invalid JSON, unknown route, a bug. */
function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, toProblem(error)));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, badRequest(404, `no such resource: ${request.method} ${quoted(request.url)}`)),
  );
}

function toProblem(error: unknown): Problem {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return badRequest(status, error instanceof Error ? error.message : '');
  return reducedCapacity({ detail: 'the service failed', code: 'INTERNAL', charge: 'possible' });
}
