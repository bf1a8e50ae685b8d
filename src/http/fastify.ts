import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { invalidOption } from '../core/errors.ts';
import type { Known } from '../core/known-options.ts';
import { shown } from '../core/printable.ts';
import { onceEnded } from './after-response.ts';
import { answering } from './answer.ts';
import { checkRouteQuota, KNOWN, type RateLimitOptions, type RouteQuota } from './options.ts';

export type { Asked, RouteQuota } from './options.ts';

export interface FastifyRateLimitOptions
  extends RateLimitOptions<
    readonly [request: FastifyRequest],
    readonly [request: FastifyRequest, reply: FastifyReply]
  > {
  /**
   * The hook that decides. `onRequest` (default) runs first, so requests that the application then rejects are charged.
   * `preHandler` runs after the body is parsed and validated, for a subject or cost in the body.
   */
  readonly hook?: 'onRequest' | 'preHandler';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Read by `openclaw-rl/fastify`: `false` leaves the route unlimited; an object overrides the options. */
    quota?: false | RouteQuota;
  }
}

/** Fastify gives a plugin these options too, which apply to its routes: this one has none. */
const OF_REGISTER = { logLevel: true, logSerializers: true } as const;

const KNOWN_OF_PLUGIN: Known<FastifyRateLimitOptions & typeof OF_REGISTER> = {
  ...KNOWN,
  hook: true,
  ...OF_REGISTER,
};

const limiting: FastifyPluginAsync<FastifyRateLimitOptions> = async (app, options) => {
  refusePrefix(options);
  const { answer, settled } = answering(options, KNOWN_OF_PLUGIN);
  const hook = checkHook(options.hook);
  app.addHook('onRoute', ({ config }) => {
    if (config?.quota !== undefined && config.quota !== false) checkRouteQuota(config.quota, options.settle);
  });
  app.addHook(hook, async (request, reply) => {
    const { quota } = request.routeOptions.config;
    if (quota === false || request.is404) return;
    const answered = await answer([request], quota);
    const { settle } = answered;
    if (settle !== undefined) onceEnded(reply.raw, () => void settle(request, reply));
    if (answered.type === 'failed') throw answered.error;
    reply.headers(answered.headers);
    if (answered.type === 'refused')
      return reply.code(answered.status).send(JSON.stringify(answered.problem));
  });
  if (options.settle !== undefined) settleBeforeClose(app, settled);
};

/**
 * Waits for settlements once the server has stopped, before the `onClose` hooks of the application: one of them closes the
 * limiter. Fastify runs the hook that was added last first, so this one is added when the server is about to stop.
 */
function settleBeforeClose(app: FastifyInstance, settled: () => Promise<void>): void {
  app.addHook('onClose', settled);
  app.addHook('preClose', async () => {
    (app as Closing).onClose?.(settled); // addHook refuses an application that has started
  });
}

/** The method that `addHook('onClose')` calls; Fastify's types do not have it. */
type Closing = FastifyInstance & { onClose?(hook: () => Promise<void>): unknown };

/** Fastify ignores a prefix of this plugin, so its user would limit more routes than meant. */
function refusePrefix({ prefix }: FastifyRateLimitOptions & { readonly prefix?: unknown }): void {
  if (prefix === undefined) return;
  throw invalidOption(
    `option prefix has no effect on rateLimit; found ${shown(prefix)}`,
    'register rateLimit inside a context that has the prefix',
  );
}

function checkHook(hook: FastifyRateLimitOptions['hook'] = 'onRequest'): 'onRequest' | 'preHandler' {
  if (hook === 'onRequest' || hook === 'preHandler') return hook;
  throw invalidOption(
    `option hook of rateLimit must be onRequest or preHandler; found ${shown(hook)}`,
    'remove it to use onRequest',
  );
}

/**
 * A Fastify plugin that limits every route of the context that registers it, also routes defined before. A 404 is not
 * limited. Hooks of the same name run in the order of registration, so register authentication first. Rejects
 * with INVALID_OPTION for wrong options, and throws it for those of a route that is added later; a route that was added
 * before answers 503.
 */
export const rateLimit: FastifyPluginAsync<FastifyRateLimitOptions> = fastifyPlugin(limiting, {
  name: 'openclaw-rl',
  fastify: '5.x',
});
