import { z } from 'zod';
import { OpenclawError } from '../core/errors.ts';
import {
  BYTE_RATE,
  DURATION,
  DURATION_RANGE,
  formatDuration,
  type MsRange,
  parseByteRate,
  parseDuration,
  parseDurationRange,
  parseSignedDuration,
  SIGNED_DURATION,
} from './units.ts';

// The error of every field here is what it expects, so that it reads well after the word "expected".

/** What a refinement may tell beside its message. */
export interface IssueDetail {
  /** What was found, in words, where the value at the path does not say it. */
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

/** A mapping with these keys and no other; the message about an unknown key lists those that are known. */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? known : `a mapping with the keys ${known}`),
  });
}

export function listOf<Item extends z.ZodType>(item: Item, { what, least }: { what: string; least: number }) {
  const error = `a list of ${what}${least > 0 ? `, at least ${least}` : ''}`;
  return z.array(item, { error }).min(least, { error });
}

const TIME_EXAMPLE = 'a time like 500ms, 10s or 2m';

/** Milliseconds, from a duration as text. */
export function duration({ leastMs = 0, mostMs = 3_600_000 }: { leastMs?: number; mostMs?: number } = {}) {
  return measure({
    pattern: DURATION,
    parse: (text) => {
      const ms = parseDuration(text);
      return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
    },
    expected: `${TIME_EXAMPLE}, from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`,
  });
}

export function signedDuration() {
  return measure({
    pattern: SIGNED_DURATION,
    parse: (text) => {
      const ms = parseSignedDuration(text);
      return ms !== undefined && Number.isFinite(ms) ? ms : undefined;
    },
    expected: `${TIME_EXAMPLE}, or -2s`,
  });
}

/** A time or a range of times, of which none is 0 where it must last. */
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

const REGION = /^[a-z][a-z0-9-]{0,30}$/;

/** The name of a region; whether it is one of the topology's is checked later. */
export function regionName() {
  const error = "a region's name of a-z, 0-9 and -";
  return z.string({ error }).regex(REGION, { error });
}

/** Some regions, each once. */
export function regionList({ least = 1 }: { least?: number } = {}) {
  return listOf(regionName(), { what: 'regions', least }).refine(areDifferent, {
    error: 'a list of regions, each once',
  });
}

export function twoRegions() {
  const error = 'a list of two different regions';
  return z.tuple([regionName(), regionName()], { error }).refine(areDifferent, { error });
}

export function areDifferent(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
