import { windowOf } from './window.mjs';

export const BLOCK = { blockDuration: 5_000 };

/**
 * Its README: at most `limit` requests that last `ttl` each, and a block once they are exceeded. So a denial has as many
 * admissions within a window and a block before it.
 */
export function promise(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `sliding-window:${limit}/${windowMs + BLOCK.blockDuration}ms`;
}
