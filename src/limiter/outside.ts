import type { Surroundings } from '../core/time.ts';
import type { Connect } from './redis/connect.ts';
import { connectByIoredis } from './redis/ioredis/open.ts';
import { systemSurroundings } from './system-surroundings.ts';

/** All that a limiter takes from outside itself: time and random numbers, and its connections. */
export interface Outside {
  readonly surroundings: Surroundings;
  /** Connects to addresses; a client that is given as `redis` connects by itself. */
  readonly connect: Connect;
}

/** Those of a real process. */
export const REAL: Outside = { surroundings: systemSurroundings, connect: connectByIoredis };
