import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceEnded } from './after-response.ts';
import { type Answer, answering } from './answer.ts';
import type { RateLimitOptions, Settling } from './options.ts';

export type { Asked } from './options.ts';

export type ExpressRateLimitOptions<Request, Response = ServerResponse> = RateLimitOptions<
  readonly [request: Request],
  readonly [request: Request, response: Response]
>;

/**
 * Middleware for Express, Connect and every framework that calls `(request, response, next)` with the types of
 * `node:http`. It limits the routes that it is mounted on. Errors of `onDecision` and `onError` go to `next`. `settled`
 * resolves once the settlements of all requests so far are made or failed. Throws INVALID_OPTION for wrong options.
 */
export function rateLimit<Request extends IncomingMessage, Response extends ServerResponse = ServerResponse>(
  options: ExpressRateLimitOptions<Request, Response>,
): ((request: Request, response: Response, next: (error?: unknown) => void) => void) & Settling {
  const { answer, settled } = answering(options);
  const limit = (request: Request, response: Response, next: (error?: unknown) => void): void => {
    answer([request]).then((answered) => {
      const { settle } = answered;
      if (settle !== undefined) onceEnded(response, () => void settle(request, response));
      if (answered.type === 'failed') next(answered.error);
      else if (!response.headersSent) reply(response, answered, next); // a timeout may have replied
    }, next);
  };
  return Object.assign(limit, { settled });
}

function reply<Done extends readonly unknown[]>(
  response: ServerResponse,
  answered: Exclude<Answer<Done>, { readonly type: 'failed' }>,
  next: () => void,
): void {
  for (const [name, value] of Object.entries(answered.headers)) response.setHeader(name, value);
  if (answered.type === 'go-on') {
    next();
  } else {
    response.statusCode = answered.status;
    response.end(JSON.stringify(answered.problem));
  }
}
