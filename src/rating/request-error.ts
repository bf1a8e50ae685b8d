/** An invalid request: answered with 400, before the limiter is called. */
export class RequestError extends Error {
  readonly statusCode = 400;
}
