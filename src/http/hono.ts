import { onceRead } from './after-response.ts';
import { answering } from './answer.ts';
import type { RateLimitOptions, Settling } from './options.ts';

export type { Asked } from './options.ts';

export type HonoRateLimitOptions<Context> = RateLimitOptions<readonly [context: Context]>;

/** The members of Hono's context that this middleware and most `subject` functions use. */
export interface HonoContext {
  readonly req: { readonly raw: Request; header(name: string): string | undefined };
  /** The handler's reply. */
  res: Response;
  header(name: string, value: string): void;
  /** 429 stands for every status, since Hono's type lists the known ones. */
  newResponse(body: string, status: 429, headers: Record<string, string>): Response;
}

/**
 * Middleware for Hono; limits the routes that use it. It needs no Node API. `settled` resolves once the settlements of all
 * requests so far are made or failed. Throws INVALID_OPTION.
 */
export function rateLimit<Context extends HonoContext>(
  options: HonoRateLimitOptions<Context>,
): ((context: Context, next: () => Promise<void>) => Promise<Response | undefined>) & Settling {
  const { answer, settled } = answering(options);
  const limit = async (context: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    const answered = await answer([context]);
    if (answered.type === 'refused')
      return context.newResponse(JSON.stringify(answered.problem), answered.status as 429, {
        ...answered.headers,
      });
    const { settle } = answered;
    try {
      if (answered.type === 'failed') throw answered.error;
      await next(); // a handler's own Response would drop headers that were set before
      if (settle !== undefined) {
        const response = onceRead(context.req.raw, context.res, () => void settle(context));
        if (response !== context.res) context.res = response; // Hono copies it
      }
    } catch (error) {
      void settle?.(context);
      throw error;
    }
    if (context.res.status < 200) return undefined; // an upgrade or an error cannot be copied with headers
    for (const [name, value] of Object.entries(answered.headers)) context.header(name, value);
    return undefined;
  };
  return Object.assign(limit, { settled });
}
