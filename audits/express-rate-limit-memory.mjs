// express-rate-limit with its own MemoryStore, in the memory of the process.
import { createExpress } from './support/express.mjs';

export const about = {
  name: 'express-rate-limit, MemoryStore',
  language: 'JavaScript',
  version: ['node', 'support/version.mjs', 'express-rate-limit'],
  setting: 'limit 20, windowMs 4000; MemoryStore, its default',
  documentation: ['https://express-rate-limit.mintlify.app/reference/stores'],
  says: 'The counts are in the memory of a process and are shared with no other process or server.',
  covers: [],
  topology: 'none',
};

export { promise } from './support/express.mjs';

export const createLimiter = ({ policy }) => createExpress(policy, {});
