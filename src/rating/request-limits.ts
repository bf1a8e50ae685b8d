/** Milliseconds in which a client must send a request, head and body, from the first byte on. */
const REQUEST_MS = 30_000;

/** How often Node looks for late clients, at least. */
const LOOK_EVERY_MS = 5_000;

/**
 * Options of Node's HTTP server: a client that takes longer to send a request gets 408, and its connection is closed
 * within 5 s. With a longer `headersTimeout` Node would swap the two limits.
 */
export function requestLimits(requestMs = REQUEST_MS) {
  return {
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: Math.min(requestMs, LOOK_EVERY_MS),
  };
}
