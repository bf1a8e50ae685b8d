import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answering } from './answer.ts';
import type { RateLimitOptions } from './options.ts';

export type { Asked } from './options.ts';

export type ExpressRateLimitOptions<Request> = RateLimitOptions<readonly [request: Request]>;

/**
 * Middleware for Express, Connect and every framework that calls `(request, response, next)` with the types of
 * `node:http`. It limits the routes that it is mounted on. Errors of `onDecision` and `onError` go to `next`. Throws
 * INVALID_OPTION for wrong options.
 */
export function rateLimit<Request extends IncomingMessage>(
  options: ExpressRateLimitOptions<Request>,
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const answer = answering(options);
  return (request, response, next) => {
    answer([request]).then((answered) => {
      if (!response.headersSent) reply(response, answered, next); // a timeout may have replied
    }, next);
  };
}

function reply(response: ServerResponse, answered: Answer, next: () => void): void {
  for (const [name, value] of Object.entries(answered.headers)) response.setHeader(name, value);
  if (answered.type === 'go-on') {
    next();
  } else {
    response.statusCode = answered.status;
    response.end(JSON.stringify(answered.problem));
  }
}
