import { expect } from 'vitest';
import { matchers } from './index.ts';
import type { TakeMatchers } from './matchers.ts';

expect.extend(matchers);

declare module 'vitest' {
  interface Matchers<T> extends TakeMatchers<T> {}
}
