import { z } from 'zod';
import { OpenclawError } from '../core/errors.ts';
import { REGION } from '../topology/regions.ts';
import {
  BYTE_RATE,
  DURATION,
  DURATION_RANGE,
  durationForm,
  type MsLimits,
  type MsRange,
  parseByteRate,
  parseDurationIn,
  parseDurationRange,
  parseSignedDuration,
  SIGNED_DURATION,
  TIME_EXAMPLE,
} from './units.ts';

// The error of every field here is the expected form, to follow the word "expected".

/** What a refinement can add to its message. */
export interface IssueDetail {
  /** The value found, in words, if it is not the value at the path. */
  readonly found?: string;
  /** The message is the whole sentence. */
  readonly isSentence?: boolean;
}

export function wholeNumber(least: number, most: number) {
  const error = `a whole number from ${least} to ${most}`;
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

export function decimal(least: number, most: number) {
  const error = `a number from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
}

export function choice<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: `one of ${names.join(', ')}` });
}

/** A mapping with only these keys; the message for an unknown key lists them. */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? known : `a mapping with the keys ${known}`),
  });
}

/** Above any scenario of use. Faults are compared in pairs, so a list without an end would take minutes. */
export const MOST_ITEMS = 1_000;

export function listOf<Item extends z.ZodType>(item: Item, { what, least }: { what: string; least: number }) {
  const error = `a list of ${what}${least > 0 ? `, at least ${least}` : ''}`;
  const most = `at most ${MOST_ITEMS} ${what}`;
  return z.array(item, { error }).min(least, { error }).max(MOST_ITEMS, { error: most });
}

/** Milliseconds, from a duration as text. */
export function duration(limits: MsLimits) {
  return measure({
    pattern: DURATION,
    parse: (text) => parseDurationIn(limits, text),
    expected: durationForm(limits),
  });
}

export function signedDuration() {
  return measure({
    pattern: SIGNED_DURATION,
    parse: parseSignedDuration,
    expected: `${TIME_EXAMPLE}, or -2s`,
  });
}

/** A time or a range of times; with `mustLast` all longer than 0. */
export function drawnDuration({
  mustLast = false,
} = {}): z.ZodPipe<z.ZodString, z.ZodTransform<MsRange, string>> {
  return measure({
    pattern: DURATION_RANGE,
    parse: (text) => {
      const range = parseDurationRange(text);
      return mustLast && range?.least === 0 ? undefined : range;
    },
    expected: `${TIME_EXAMPLE}${mustLast ? ' and longer than 0' : ''}, or a range to draw it from, like 3s..6s`,
  });
}

/** Kilobytes a second. */
export function byteRate() {
  return measure({ pattern: BYTE_RATE, parse: parseByteRate, expected: 'a rate like 20KB/s' });
}

/** Text that one of our parsers reads, which says itself what is wrong with it. */
export function readBy<T>(parse: (text: string) => T, expected: string) {
  return z.string({ error: expected }).transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof OpenclawError)) throw error;
      const params: IssueDetail = { isSentence: true };
      context.addIssue({ code: 'custom', message: error.message, params });
      return z.NEVER;
    }
  });
}

interface Measure<T> {
  readonly pattern: RegExp;
  readonly parse: (text: string) => T | undefined;
  readonly expected: string;
}

function measure<T>({ pattern, parse, expected }: Measure<T>) {
  return z
    .string({ error: expected })
    .regex(pattern, { error: expected, abort: true })
    .transform((text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    });
}

/** The name of a region; whether it is one of the topology's is checked later. */
export function regionName() {
  const error = 'a region name of a-z, 0-9 and -';
  return z.string({ error }).regex(REGION, { error });
}

/** A list of regions; duplicates are also checked later. */
export function regionList() {
  return listOf(regionName(), { what: 'regions', least: 1 });
}

export function twoRegions() {
  return z.tuple([regionName(), regionName()], { error: 'a list of two different regions' });
}
