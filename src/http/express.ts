import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, answering, type RateLimitOptions } from './answer.ts';

export type { Asked } from './answer.ts';

export type ExpressRateLimitOptions<Request> = RateLimitOptions<readonly [request: Request]>;

/**
 * Middleware for Express, Connect and whatever else calls `(request, response, next)` with those of `node:http`. It
 * limits what it is mounted on. What `onDecision` and `onError` throw, or reject with, goes to
 * `next`. Throws INVALID_OPTION for a
 * policy's name.
 */
export function rateLimit<Request extends IncomingMessage>(
  options: ExpressRateLimitOptions<Request>,
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const answer = answering(options);
  return (request, response, next) => {
    answer([request]).then((answered) => {
      if (!response.headersSent) reply(response, answered, next); // else somebody has: a time limit, say
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
