import { InvalidArgumentError } from 'commander';
import { OpenclawError } from '../core/errors.ts';

/** A commander parser for a whole number in a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** A commander parser for a decimal number in a range. */
export function decimalNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

/** Turns a parser of ours into one of commander's: its message, shown with the name of the option. */
export function parsedBy<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof OpenclawError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}

const REGION = /^[a-z][a-z0-9-]{0,30}$/;

/** A comma-separated list of one to nine different region names. */
export function parseRegions(text: string): string[] {
  const regions = text.split(',');
  if (
    regions.every((region) => REGION.test(region)) &&
    new Set(regions).size === regions.length &&
    regions.length <= 9
  ) {
    return regions;
  }
  throw new InvalidArgumentError(
    'Expected one to nine different names of a-z, 0-9 and -, with commas between.',
  );
}

/** Collects `a:b=40`, repeated or with commas between, into `{ 'a:b': 40 }`. */
export function parseRoundTrips(text: string, sofar: Record<string, number>): Record<string, number> {
  const pairs = text.split(',').map((part) => {
    const [, pair, ms] = /^([a-z0-9-]+:[a-z0-9-]+)=(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (pair === undefined)
      throw new InvalidArgumentError('Expected two regions and milliseconds, like us-east:eu-west=80.');
    return [pair, Number(ms)] as const;
  });
  return { ...sofar, ...Object.fromEntries(pairs) };
}

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** A commander parser for a time like `500ms`, `10s`, `2m`; gives milliseconds. */
export function parseDurationMs(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('Expected a time like 500ms, 10s or 2m.');
  return Number(number) * (DURATION_MS[unit] ?? 1);
}
