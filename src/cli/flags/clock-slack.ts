import { InvalidArgumentError, Option } from 'commander';
import { UNITS, type Unit } from '../../history/foreign/units.ts';

/** The flag of `clockSlackOption`. */
export interface ClockSlackFlags {
  /** Microseconds; absent if it was not typed. */
  readonly clockSlack?: number;
}

/** The option for the largest error of the limiter's clock. */
export function clockSlackOption(description: string): Option {
  return new Option('--clock-slack <time>', description).argParser(parseTime);
}

/** Largest value that the header of a history holds, in seconds. */
const MOST_S = 1_000_000;

/** A commander parser for `50us`, `50ms`, `50s` or 0; returns microseconds, rounded up. */
export function parseTime(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,13}(?:\.\d+)?)(us|ms|s)$/.exec(text) ?? [];
  if (number === '' && text !== '0') throw new InvalidArgumentError('Expected a time like 50ms, or 0.');
  const us = Math.ceil(Number(number) * 10 ** UNITS[(unit || 's') as Unit]);
  if (us <= MOST_S * 1_000_000) return us;
  throw new InvalidArgumentError(`Expected a time like 50ms, of ${MOST_S}s at most.`);
}
