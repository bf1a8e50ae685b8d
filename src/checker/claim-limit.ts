/** In what a limit is written. */
export type LimitUnit = 'tokens' | 'count' | 'share' | 'time' | 'rate' | 'bound';

export interface Limit {
  readonly unit: LimitUnit;
  /** Tokens, a count, a share from 0 to 1, microseconds, per second; of a bound Infinity. */
  readonly limit: number;
}

/** How each is written, for error messages. */
export const LIMIT_FORMS: Readonly<Record<LimitUnit, string>> = {
  tokens: 'a number of tokens like 2 or 0.5',
  count: 'a whole number',
  share: 'a share like 5%',
  time: 'a time like 250ms or 1.5s',
  rate: 'a rate like 5000/s',
  bound: 'the word bound',
};

const TIME_US: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000 };

/** Reads a limit in one of these units; undefined when it is in none. */
export function parseLimit(text: string, units: readonly LimitUnit[]): Limit | undefined {
  for (const unit of units) {
    const limit = READERS[unit](text);
    if (limit !== undefined) return { unit, limit };
  }
  return undefined;
}

const READERS: Readonly<Record<LimitUnit, (text: string) => number | undefined>> = {
  tokens: (text) => (/^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : undefined),
  count: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  share(text) {
    const [, percent] = /^(\d{1,3}(?:\.\d{1,9})?)%$/.exec(text) ?? [];
    return percent === undefined || Number(percent) > 100 ? undefined : Number(percent) / 100;
  },
  time(text) {
    const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?)(us|ms|s)$/.exec(text) ?? [];
    return amount === undefined ? undefined : Number(amount) * (TIME_US[unit] ?? 1);
  },
  rate(text) {
    const [, amount] = /^(\d{1,9}(?:\.\d{1,9})?)\/s$/.exec(text) ?? [];
    return amount === undefined ? undefined : Number(amount);
  },
  bound: (text) => (text === 'bound' ? Number.POSITIVE_INFINITY : undefined),
};

/** An amount of this unit as `parseLimit` reads it. */
export function formatLimit({ unit, limit }: Limit): string {
  switch (unit) {
    case 'bound':
      return 'bound';
    case 'share':
      return `${trimmed(100 * limit, limit > 0 && limit < 0.01 ? 2 : 1)}%`;
    case 'time':
      return `${trimmed(limit / 1_000, 3)}ms`;
    case 'rate':
      return `${trimmed(limit, 1)}/s`;
    default:
      return limit === Number.POSITIVE_INFINITY ? 'any' : trimmed(limit, 3);
  }
}

function trimmed(amount: number, digits: number): string {
  return String(Number(amount.toFixed(digits)));
}
