// express-rate-limit with rate-limit-redis as its store: a counter in Redis for each user that expires with its window.
import { RedisStore } from 'rate-limit-redis';
import { connect } from './support/connect.mjs';
import { createExpress } from './support/express.mjs';

export const about = {
  name: 'express-rate-limit, rate-limit-redis',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'express-rate-limit', 'rate-limit-redis', 'ioredis'],
  setting: 'limit 20, windowMs 4000, RedisStore with sendCommandCluster',
  documentation: [
    'https://express-rate-limit.mintlify.app/reference/stores',
    'https://github.com/express-rate-limit/rate-limit-redis',
  ],
  says: 'An external store shares the counts of several nodes. Nothing about failovers or regions; passOnStoreError, off by default, lets requests pass without the store.',
  covers: ['three-instances', 'hot-user'],
};

export { promise } from './support/express.mjs';

export async function createLimiter({ policy, prefix, redis, ioredis }) {
  const client = await connect(redis, ioredis);
  const sendCommandCluster = (details) => send(client, details);
  const limiter = createExpress(policy, {
    store: new RedisStore({ prefix: `${prefix}:`, sendCommandCluster }),
  });
  return { ...limiter, close: () => client.disconnect() };
}

/**
 * A script is loaded into every primary: ioredis sends a command without a key to any node, and the store asks for its
 * script by the key's.
 */
async function send(client, { command: [name, ...args] }) {
  if (name !== 'SCRIPT' || !client.isCluster) return client.call(name, ...args);
  const shas = await Promise.all(client.nodes('master').map((node) => node.call(name, ...args)));
  return shas[0];
}
