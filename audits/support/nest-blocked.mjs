import { windowOf } from './window.mjs';

/** No multiple of the 33 ms between requests: one that comes in the last millisecond of a block ends it. */
export const BLOCK = { blockDuration: 5_016 };

/**
 * Its README: at most `limit` requests that last `ttl` each, and a block once they are exceeded. So a denial has as many
 * admissions within a window and a block before it.
 */
export function promise(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `sliding-window:${limit}/${windowMs + BLOCK.blockDuration}ms`;
}
