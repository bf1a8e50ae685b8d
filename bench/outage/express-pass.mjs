// The same with `passOnStoreError: true`: an error of the store lets the request pass.
import { createExpress } from './express.mjs';

export { promise } from './express.mjs';

export const createLimiter = (options) => createExpress(options, { passOnStoreError: true });
