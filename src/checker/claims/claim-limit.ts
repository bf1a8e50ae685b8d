/** The unit of a limit. */
export type LimitUnit = 'tokens' | 'count' | 'share' | 'time' | 'rate' | 'bound';

export interface Limit {
  readonly unit: LimitUnit;
  /** Tokens, a count, a share from 0 to 1, microseconds, per second; of a bound Infinity. */
  readonly limit: number;
}

/** The form of each unit, for error messages. */
export const LIMIT_FORMS: Readonly<Record<LimitUnit, string>> = {
  tokens: 'a number of tokens like 2 or 0.5',
  count: 'a whole number',
  share: 'a share like 5%',
  time: 'a time like 250ms or 1.5s',
  rate: 'a rate like 5000/s',
  bound: 'the word bound',
};

/** Powers of ten of a microsecond. */
const TIME_POWER: Readonly<Record<string, number>> = { ms: 3, us: 0, s: 6 };

/** Reads a limit in one of these units; undefined if it fits none. */
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
    return percent === undefined || Number(percent) > 100 ? undefined : Number(`${percent}e-2`);
  },
  time(text) {
    const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?)(us|ms|s)$/.exec(text) ?? [];
    return amount === undefined ? undefined : Number(`${amount}e${TIME_POWER[unit]}`);
  },
  rate(text) {
    const [, amount] = /^(\d{1,9}(?:\.\d{1,9})?)\/s$/.exec(text) ?? [];
    return amount === undefined ? undefined : Number(amount);
  },
  bound: (text) => (text === 'bound' ? Number.POSITIVE_INFINITY : undefined),
};

/** A limit as `parseLimit` reads it, to the last digit. */
export function formatLimit({ unit, limit }: Limit): string {
  switch (unit) {
    case 'bound':
      return 'bound';
    case 'share':
      return `${decimal(limit, 2)}%`;
    case 'time':
      return formatTime(limit);
    case 'rate':
      return `${decimal(limit)}/s`;
    default:
      return limit === Number.POSITIVE_INFINITY ? 'any' : decimal(limit);
  }
}

/** A measured value in the same form, rounded for a reader: not to the limit `beside` it unless it is that. */
export function formatMeasured({ unit, limit }: Limit, beside = Number.NaN): string {
  const digits = unit === 'time' ? 0 : unit === 'rate' ? 1 : unit === 'share' && limit < 0.01 ? 4 : 3;
  return formatLimit({ unit, limit: Number(limit.toFixed(digitsBeside(beside, limit, digits))) });
}

/** A measured share in whole percents, with more digits below 1%, and where it would seem to be the limit `beside` it. */
export function formatPercent(share: number, beside = Number.NaN): string {
  const digits = share > 0 && share < 0.01 ? 2 : 0;
  return `${(100 * share).toFixed(digitsBeside(beside, share, 2 + digits) - 2)}%`;
}

const MOST_DIGITS = 12;

/** The digits, at least so many, with which a value is on the same side of `beside` as without rounding. */
function digitsBeside(beside: number, value: number, least: number): number {
  if (Number.isNaN(beside)) return least;
  const sideOf = (amount: number) => Math.sign(amount - beside);
  for (let digits = least; digits < MOST_DIGITS; digits++)
    if (sideOf(Number(value.toFixed(digits))) === sideOf(value)) return digits;
  return MOST_DIGITS;
}

/** In milliseconds, or in microseconds if milliseconds need too many digits. */
function formatTime(us: number): string {
  const texts = Object.entries(TIME_POWER).map(([unit, power]) => `${decimal(us, -power)}${unit}`);
  return texts.find((text) => READERS.time(text) === us) ?? `${decimal(us)}us`;
}

/** The shortest decimal, without an exponent, that reads back as this number; shifted by a power of ten. */
function decimal(amount: number, shift = 0): string {
  if (amount === 0) return '0';
  const [digits = '', exponent] = amount.toExponential().split('e');
  const figures = digits.replace('.', '');
  const whole = Number(exponent) + shift + 1;
  if (whole <= 0) return `0.${'0'.repeat(-whole)}${figures}`;
  const padded = figures.padEnd(whole, '0');
  return whole === padded.length ? padded : `${padded.slice(0, whole)}.${padded.slice(whole)}`;
}
