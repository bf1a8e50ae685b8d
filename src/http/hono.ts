import { answering, type RateLimitOptions } from './answer.ts';

export type { Asked } from './answer.ts';

export type HonoRateLimitOptions<Context> = RateLimitOptions<readonly [context: Context]>;

/** What of Hono's context is used here, or mostly by a `subject`. */
export interface HonoContext {
  readonly req: { readonly raw: Request; header(name: string): string | undefined };
  /** What the handler has answered. */
  readonly res: Response;
  header(name: string, value: string): void;
  /** 429 stands for all: Hono's type lists those that it knows. */
  newResponse(body: string, status: 429, headers: Record<string, string>): Response;
}

/**
 * Middleware for Hono. It limits what it is used on, and needs nothing of Node. Throws INVALID_OPTION for a policy's
 * name.
 */
export function rateLimit<Context extends HonoContext>(
  options: HonoRateLimitOptions<Context>,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  const answer = answering(options);
  return async (context, next) => {
    const answered = await answer([context]);
    if (answered.type === 'refused')
      return context.newResponse(JSON.stringify(answered.problem), answered.status as 429, {
        ...answered.headers,
      });
    await next(); // headers set before it would be lost with a reply that a handler makes itself
    if (context.res.status < 200) return undefined; // an upgrade, or an error, cannot be made again with headers
    for (const [name, value] of Object.entries(answered.headers)) context.header(name, value);
    return undefined;
  };
}
