import { expect } from '@jest/globals';
import { matchers } from './index.ts';
import type { TakeMatchers } from './matchers.ts';

expect.extend(matchers);

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T> extends TakeMatchers<R> {}
}

declare global {
  namespace jest {
    interface Matchers<R, T> extends TakeMatchers<R> {}
  }
}
