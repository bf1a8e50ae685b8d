import { invalidOption } from '../core/errors.ts';
import { shown } from '../core/printable.ts';
import { onceRead } from './after-response.ts';
import { type Answer, answering } from './answer.ts';
import type { RateLimitOptions, Settling } from './options.ts';

export type { Asked } from './options.ts';

/**
 * `settle` gets the response first; undefined if the handler threw or was not called. `Rest` are the further arguments of
 * the runtime, such as bindings or the address of the connection.
 */
export type FetchRateLimitOptions<Rest extends readonly unknown[] = readonly []> = RateLimitOptions<
  readonly [request: Request, ...rest: Rest],
  readonly [response: Response | undefined, request: Request, ...rest: Rest]
>;

/**
 * Wraps a Fetch API handler, `(request, ...) => Response`, of edge runtimes, Deno, Bun or `app.fetch` of Hono. It needs
 * no Node API. Rejects with the errors of the handler, `onDecision` and `onError`, and with INVALID_OPTION if the handler
 * gives no response. `settled` resolves once the settlements of all requests so far are made or failed. Throws
 * INVALID_OPTION for wrong options, and for a handler that is no function.
 */
export function rateLimit<Rest extends readonly unknown[]>(
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  options: FetchRateLimitOptions<Rest>,
): ((request: Request, ...rest: Rest) => Promise<Response>) & Settling {
  if (typeof handler !== 'function')
    throw invalidOption(
      `the handler of rateLimit must be a function; found ${shown(handler)}`,
      'use rateLimit((request) => new Response(), { limiter, subject })',
    );
  const { answer, settled } = answering<
    readonly [Request, ...Rest],
    readonly [Response | undefined, Request, ...Rest]
  >(options);
  const limited = async (request: Request, ...rest: Rest): Promise<Response> => {
    const answered = await answer([request, ...rest]);
    if (answered.type === 'refused') return refusal(answered);
    const { settle } = answered;
    try {
      if (answered.type === 'failed') throw answered.error;
      const response = checkResponse(await handler(request, ...rest));
      const then = settle && (() => void settle(response, request, ...rest));
      return withHeaders(then ? onceRead(request, response, then) : response, answered.headers);
    } catch (error) {
      void settle?.(undefined, request, ...rest);
      throw error;
    }
  };
  return Object.assign(limited, { settled });
}

/** By its members: a runtime may replace the class. */
function checkResponse(response: Response): Response {
  if (typeof response?.status === 'number' && typeof response.headers?.set === 'function') return response;
  throw invalidOption(
    `the handler of rateLimit must return a Response; found ${shown(response)}`,
    'return new Response(text)',
  );
}

function refusal({ status, headers, problem }: Extract<Answer, { type: 'refused' }>): Response {
  return new Response(JSON.stringify(problem), { status, headers });
}

/** Headers of `fetch` replies and redirects are immutable, so these are copied; upgrades and errors cannot be. */
function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  if (response.status < 200) return response;
  try {
    setHeaders(response, headers);
    return response;
  } catch {
    const changed = new Response(response.body, response);
    setHeaders(changed, headers);
    return changed;
  }
}

function setHeaders(response: Response, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
}
