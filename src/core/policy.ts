import { OpenclawError } from './errors.ts';
import { quoted } from './printable.ts';

/** A refill rate as an exact fraction in lowest terms: `tokens` every `perUs` microseconds. */
export interface Rate {
  readonly tokens: number;
  readonly perUs: number;
}

/**
 * The capacity of a bucket in tokens, and its refill rate. One token is `refill.perUs` quanta and every microsecond adds
 * `refill.tokens` quanta, so every level is an integer without rounding.
 */
export interface Policy {
  readonly capacityTokens: number;
  readonly refill: Rate;
  readonly quantaPerToken: number;
  readonly quantaPerUs: number;
  readonly capacityQuanta: number;
}

const UNIT_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  sec: 1_000_000,
  second: 1_000_000,
  m: 60_000_000,
  min: 60_000_000,
  minute: 60_000_000,
  h: 3_600_000_000,
  hour: 3_600_000_000,
  d: 86_400_000_000,
  day: 86_400_000_000,
};

/**
 * The largest capacity or cost in quanta: half of 2^53, so that the checker's sum of two is exact. Server time (about
 * 2^51 us) plus the time to full (at most 142 years) stays below 2^53 too.
 */
export const MOST_QUANTA = 2 ** 52;

/**
 * Makes a policy from a capacity in whole tokens and a rate (`'5/s'`, `'100/min'`, `'0.5/s'`, `'10/15min'`, or an exact
 * `{tokens, perUs}`). Throws INVALID_POLICY with the limit that was exceeded.
 */
export function makePolicy(capacityTokens: number, rate: string | Rate): Policy {
  if (!Number.isSafeInteger(capacityTokens) || capacityTokens < 1) throw invalidCapacity(capacityTokens);
  const refill = typeof rate === 'string' ? parseRate(rate) : reduceRate(rate);
  const capacityQuanta = capacityTokens * refill.perUs;
  // One refill step is computed as level + elapsed * quantaPerUs and passes the capacity by less than quantaPerUs.
  if (capacityQuanta + refill.tokens > MOST_QUANTA) {
    throw invalid(
      `capacity * period must stay below 2^52 to be exact; ${capacityTokens} tokens * ${refill.perUs} us is ${(capacityQuanta).toExponential(2)}`,
      fewerOrShorter(refill),
    );
  }
  return {
    capacityTokens,
    refill,
    quantaPerToken: refill.perUs,
    quantaPerUs: refill.tokens,
    capacityQuanta,
  };
}

/** Parses `capacity:rate`, for example `20:5/s`. Throws INVALID_POLICY. */
export function parsePolicy(text: string): Policy {
  const [, capacity, rate] = /^([-+.\d]+):(.+)$/.exec(text) ?? [];
  if (capacity === undefined || rate === undefined) {
    throw invalid(`a policy is written capacity:rate, for example 20:5/s; found ${quoted(text)}`);
  }
  if (!/^\d{1,16}$/.test(capacity)) throw invalidCapacity(capacity);
  return makePolicy(Number(capacity), rate);
}

/** Writes a policy as `capacity:rate`, which `parsePolicy` reads back as the same policy. */
export function formatPolicy(policy: Policy): string {
  const { tokens, perUs } = policy.refill;
  for (const unit of ['s', 'min', 'h', 'd']) {
    const quanta = BigInt(tokens) * BigInt(UNIT_US[unit] ?? 0);
    const perUnit = quanta / BigInt(perUs);
    const isExact = perUnit * BigInt(perUs) === quanta && perUnit < 10n ** 15n;
    if (isExact) return `${policy.capacityTokens}:${perUnit}/${unit}`;
  }
  return `${policy.capacityTokens}:${tokens}/${perUs}us`;
}

/** Parses `tokens/time`: a decimal number, a slash, an optional whole number, a unit (us ms s min h d). */
export function parseRate(text: string): Rate {
  const [, whole, fraction = '', count = '1', unit = ''] =
    /^(\d{1,16})(?:\.(\d{1,9}))?\/(\d{1,16})?([a-z]+)$/.exec(text) ?? [];
  const unitUs = Object.hasOwn(UNIT_US, unit) ? UNIT_US[unit] : undefined;
  if (whole === undefined || unitUs === undefined) {
    throw invalid(
      `a rate is written tokens/time, for example 10/s, 100/min, 0.5/s or 10/15min; found ${quoted(text)}`,
    );
  }
  const scale = 10n ** BigInt(fraction.length);
  return exactRate(BigInt(whole + fraction), BigInt(count) * BigInt(unitUs) * scale, text);
}

function reduceRate(rate: Rate): Rate {
  if (!Number.isSafeInteger(rate.tokens) || !Number.isSafeInteger(rate.perUs)) {
    throw invalid(
      `a rate as {tokens, perUs} takes two whole numbers below 2^53; found ${quoted(rate.tokens)} and ${quoted(rate.perUs)}`,
    );
  }
  return exactRate(BigInt(rate.tokens), BigInt(rate.perUs), `${rate.tokens}/${rate.perUs}us`);
}

function exactRate(tokens: bigint, perUs: bigint, text: string): Rate {
  if (tokens <= 0n || perUs <= 0n) throw invalid(`a rate must be above zero; found ${quoted(text)}`);
  const divisor = gcd(tokens, perUs);
  const rate = { tokens: Number(tokens / divisor), perUs: Number(perUs / divisor) };
  if (!Number.isSafeInteger(rate.tokens) || !Number.isSafeInteger(rate.perUs)) {
    throw invalid(`a rate in lowest terms must have both parts below 2^53; found ${quoted(text)}`);
  }
  return rate;
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

function invalidCapacity(found: number | string): OpenclawError {
  return invalid(
    `capacity must be a whole number of tokens, at least 1 and below 2^53; found ${quoted(found)}`,
  );
}

function fewerOrShorter({ tokens, perUs }: Rate): string {
  const most = Math.floor((MOST_QUANTA - tokens) / perUs);
  const fewer = most < 1 ? '' : `lower the capacity to at most ${most}, or `;
  return `${fewer}choose a rate that reduces to a shorter period, as 250000/d does to 1 token every 345600 us`;
}

function invalid(message: string, hint?: string): OpenclawError {
  return new OpenclawError('INVALID_POLICY', message, hint === undefined ? {} : { hint });
}
