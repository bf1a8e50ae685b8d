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
