import { connect } from './connect.mjs';

/** A client in the region, and how it runs a script of its own: once loaded, by its hash. */
export async function connectWithScript({ redis, ioredis }, { lua, keys }) {
  const client = await connect(redis, ioredis);
  client.defineCommand('audited', { lua, numberOfKeys: keys });
  return { client, run: (names, args) => client.audited(...names, ...args) };
}

/** A policy in tokens a second. */
export function bucketOf({ capacityTokens, refill }) {
  return { capacity: capacityTokens, perSecond: (refill.tokens * 1_000_000) / refill.perUs };
}
