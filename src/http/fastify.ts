import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { answering, type RateLimitOptions, type RouteQuota } from './answer.ts';

export type { Asked, RouteQuota } from './answer.ts';

export interface FastifyRateLimitOptions extends RateLimitOptions<readonly [request: FastifyRequest]> {
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

const limiting: FastifyPluginAsync<FastifyRateLimitOptions> = async (app, options) => {
  const answer = answering(options);
  app.addHook(options.hook ?? 'onRequest', async (request, reply) => {
    const { quota } = request.routeOptions.config;
    if (quota === false || request.is404) return;
    const answered = await answer([request], quota);
    reply.headers(answered.headers);
    if (answered.type === 'refused')
      return reply.code(answered.status).send(JSON.stringify(answered.problem));
  });
};

/**
 * A Fastify plugin that limits every route of the context that registers it, also routes defined before. A 404 is not
 * limited. Hooks of the same name run in the order of registration, so register authentication first. Throws
 * INVALID_OPTION for an invalid policy name.
 */
export const rateLimit: FastifyPluginAsync<FastifyRateLimitOptions> = fastifyPlugin(limiting, {
  name: 'openclaw-rl',
  fastify: '5.x',
});
