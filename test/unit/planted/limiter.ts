import type { Evidence } from '../../../src/core/decision.ts';
import type { Policy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';
import type { Stated } from '../../../src/history/records/operation.ts';
import type { Circumstances } from './workload.ts';

/** What a limiter is asked. `nowUs` is the true time; whose clock it reads is the limiter's business. */
export interface Request {
  readonly bucket: number;
  readonly region: number;
  readonly costTokens: number;
  readonly nowUs: number;
  readonly decisionId?: number;
}

/** What it answers. `unknown` means that it charged and cannot say whether that will stand. */
export interface Answer {
  readonly outcome: 'allowed' | 'denied' | 'unknown';
  /** How long the answer is held back. */
  readonly heldUs?: number;
  readonly evidence?: Evidence;
  /** The level that it knows, for what it states; absent: that of the evidence. */
  readonly knownQuanta?: number;
  /** The service that answered; absent: one of three in turn, all with the same limiter. */
  readonly instance?: string;
  /** What it states besides yes or no. */
  readonly stated?: Stated;
}

export interface Limiter {
  decide(request: Request): Answer;
}

/** What a limiter is made of. */
export interface World extends Circumstances {
  readonly random: Random;
}

export interface Specimen {
  readonly name: string;
  /** The faults it stands with a declared bound of 0. */
  readonly failovers?: boolean;
  /** Denies while its tokens are in another region, and declares that. */
  readonly splits?: boolean;
  /** The code of its defect; any other is wrong. */
  readonly reason?: string;
  /** What shows its defect: levels of replies, those of decisions whose order is known, or admissions and denials. Default: levels or decisions. */
  readonly shownBy?: 'levels' | 'ordered levels' | 'decisions';
  /** Circumstances without which its bug cannot show. */
  readonly needs?: (drawn: Circumstances) => Circumstances;
  create(world: World): Limiter;
}

/** Decides each decision once: an attempt after one that was admitted is admitted without a charge. */
export function deciding(limiter: Limiter): Limiter {
  const admitted = new Set<string>();
  return {
    decide(request) {
      if (request.decisionId === undefined) return limiter.decide(request);
      const key = `${request.bucket}/${request.decisionId}`;
      if (admitted.has(key)) return { outcome: 'allowed' };
      const answer = limiter.decide(request);
      if (answer.outcome === 'allowed') admitted.add(key);
      return answer;
    },
  };
}

/** Server microseconds: a little after now. */
export const EPOCH_US = 1_795_000_000_000_000;

/** One state for each bucket, made when it is first asked for. */
export class States<T> {
  readonly #states = new Map<number, T>();
  readonly #make: (bucket: number) => T;

  constructor(make: (bucket: number) => T) {
    this.#make = make;
  }

  of(bucket: number): T {
    let state = this.#states.get(bucket);
    if (state === undefined) {
      state = this.#make(bucket);
      this.#states.set(bucket, state);
    }
    return state;
  }

  set(bucket: number, state: T): void {
    this.#states.set(bucket, state);
  }
}

export function redisEvidence(fields: { levelQuanta: number; bucketUs: number; node?: string }): Evidence {
  const { node = 'n0', levelQuanta, bucketUs } = fields;
  return { strategy: 'simulated', node, source: 'redis', bucketUs, levelQuanta };
}

export function quantaOf(policy: Policy, tokens: number): number {
  return tokens * policy.quantaPerToken;
}

/** Microseconds in which a token is gained. */
export function fillUs({ quantaPerToken, quantaPerUs }: Policy): number {
  return quantaPerToken / quantaPerUs;
}
