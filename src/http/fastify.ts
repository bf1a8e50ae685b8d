import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { answering, type RateLimitOptions, type RouteQuota } from './answer.ts';

export type { Asked, RouteQuota } from './answer.ts';

export interface FastifyRateLimitOptions extends RateLimitOptions<readonly [request: FastifyRequest]> {
  /**
   * When requests are decided. `onRequest` (default): before anything else is spent on them, so what the application
   * then refuses is charged too. `preHandler`: once the body is parsed and valid, for a subject or cost in it.
   */
  readonly hook?: 'onRequest' | 'preHandler';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of `openclaw-rl/fastify`: `false` leaves the route unlimited; an object is in place of what all routes have. */
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
 * A Fastify plugin that limits every route of the context it is registered in, also those that were there before; not
 * what has no route. Among hooks of one name, those registered before it run before it: authentication does. Throws
 * INVALID_OPTION for a policy's name.
 */
export const rateLimit: FastifyPluginAsync<FastifyRateLimitOptions> = fastifyPlugin(limiting, {
  name: 'openclaw-rl',
  fastify: '5.x',
});
