import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceEnded } from './after-response.ts';
import { type Answer, answering } from './answer.ts';
import type { RateLimitOptions } from './options.ts';

export type { Asked } from './options.ts';

export type ExpressRateLimitOptions<Request, Response = ServerResponse> = RateLimitOptions<
  readonly [request: Request],
  readonly [request: Request, response: Response]
>;

/**
 * Middleware for Express, Connect and every framework that calls `(request, response, next)` with the types of
 * `node:http`. It limits the routes that it is mounted on. Errors of `onDecision` and `onError` go to `next`. Throws
 * INVALID_OPTION for wrong options.
 */
export function rateLimit<Request extends IncomingMessage, Response extends ServerResponse = ServerResponse>(
  options: ExpressRateLimitOptions<Request, Response>,
): (request: Request, response: Response, next: (error?: unknown) => void) => void {
  const answer = answering(options);
  return (request, response, next) => {
    answer([request]).then((answered) => {
      if (answered.type === 'go-on' && answered.settle !== undefined)
        onceEnded(response, () => void answered.settle?.(request, response));
      if (!response.headersSent) reply(response, answered, next); // a timeout may have replied
    }, next);
  };
}

function reply<Done extends readonly unknown[]>(
  response: ServerResponse,
  answered: Answer<Done>,
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
