import type { Policy } from '../../../core/policy.ts';

/** What a rule sees of a decision. Levels in quanta. */
export interface Decided {
  readonly policy: Policy;
  readonly isFirst: boolean;
  /** The level before refill. */
  readonly level: number;
  readonly elapsedUs: number;
  readonly costQuanta: number;
  readonly isAllowed: boolean;
  /** The level that the reply says; NaN without one. */
  readonly after: number;
}

/** A bucket with one thing wrong. Each part has a default: that of the promised bucket. All parts rise with the level. */
export interface Rule {
  readonly sentence: string;
  /** The lowest and the highest level when the history begins. Default: full. */
  readonly start?: (policy: Policy) => { readonly lowest: number; readonly highest: number };
  /** The level that a decision finds. */
  readonly found?: (decided: Decided) => number;
  /** The least level that is admitted. */
  readonly needs?: (decided: Decided) => number;
  /** The level that a decision leaves. */
  readonly left?: (level: number, decided: Decided) => number;
}

/** The promised bucket. */
export const IDEAL: Rule = { sentence: '' };

/** A bucket without a capacity can hold this many times as much when the history begins. */
const MANY_TIMES = 64;

export const RULES: Readonly<Record<string, Rule>> = {
  'one-too-many': {
    sentence:
      'one token too many at every burst: a request is admitted while its bucket lacks less than one token',
    needs: ({ costQuanta, policy }) => costQuanta - policy.quantaPerToken,
  },
  'level-below-zero': {
    sentence: 'a level above zero admits any cost: levels fall below zero by more than one token',
    needs: () => 0,
  },
  'charged-denials': {
    sentence: 'denials cost tokens: a denial takes what its bucket holds',
    left: (level, { costQuanta, isAllowed }) =>
      isAllowed ? level - costQuanta : Math.max(0, level - costQuanta),
  },
  'cost-ignored': {
    sentence: 'each admission takes one token, whatever it costs',
    needs: ({ policy }) => policy.quantaPerToken,
    left: (level, { isAllowed, policy }) => (isAllowed ? level - policy.quantaPerToken : level),
  },
  'beyond-capacity': {
    sentence: 'refill goes beyond the capacity: a bucket that rests holds more than that',
    start: ({ capacityQuanta }) => ({ lowest: capacityQuanta, highest: MANY_TIMES * capacityQuanta }),
    found: ({ isFirst, after, isAllowed, costQuanta, level, elapsedUs, policy }) =>
      isFirst && !Number.isNaN(after) // at least a full bucket: since when it gains is unknown
        ? Math.max(level, after + (isAllowed ? costQuanta : 0))
        : level + elapsedUs * policy.quantaPerUs,
  },
  'dropped-fractions': {
    sentence:
      'refill drops fractions: each decision adds whole tokens only, and forgets what was gained of the next one',
    found: ({ level, elapsedUs, policy: { quantaPerToken, quantaPerUs, capacityQuanta } }) =>
      Math.min(
        capacityQuanta,
        level + Math.floor((elapsedUs * quantaPerUs) / quantaPerToken) * quantaPerToken,
      ),
  },
};

/** Of a new bucket, decisions show what it held when the history began. */
export const EMPTY_START: Rule = {
  sentence:
    'a new bucket starts empty: one that was empty when the history began explains each admission and each denial',
  start: ({ quantaPerToken }) => ({ lowest: 0, highest: quantaPerToken }),
};

export function refilled({ level, elapsedUs, policy: { capacityQuanta, quantaPerUs } }: Decided): number {
  return Math.min(capacityQuanta, level + Math.max(0, elapsedUs) * quantaPerUs);
}

export function itsCost({ costQuanta }: Decided): number {
  return costQuanta;
}

export function charged(level: number, { isAllowed, costQuanta }: Decided): number {
  return isAllowed ? level - costQuanta : level;
}
