import { type Command, InvalidArgumentError, Option } from 'commander';
import { OpenclawError } from '../core/errors.ts';
import { type Policy, parsePolicy } from '../core/policy.ts';
import { parseStrategy, STRATEGY_NAMES, type StrategyName } from '../limiter/create.ts';
import { checkRegions } from '../regions/topology.ts';
import { parseDuration } from '../scenario/units.ts';

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

/** A share from 0 to 1, or in percent: 0.05 and 5%. */
export function share(text: string): number {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  return percent === undefined ? decimalNumber(0, 1)(text) : decimalNumber(0, 100)(percent) / 100;
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

/** A comma-separated list of region names; what is one is the topology's to say. */
export const parseRegions = parsedBy((text: string): readonly string[] => checkRegions(text.split(',')));

/** Adds the strategy, or the plug-in, and the policy of a limiter to a command. */
export function limiterOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <name>', 'how regions share a bucket')
        .choices(STRATEGY_NAMES)
        .argParser(parsedBy(parseStrategy))
        .default('central'),
    )
    .addOption(
      new Option(
        '--limiter <file>',
        'instead of a strategy: a limiter of your own, a module that exports createLimiter',
      ).conflicts('strategy'),
    )
    .addOption(
      new Option('--policy <capacity:rate>', 'what each user may do')
        .argParser(parsedBy(parsePolicy))
        .default(parsePolicy('20:5/s'), '20:5/s'),
    );
}

const FAILURE_POLICIES = ['closed', 'open', 'local-share'] as const;

/** What the services of a run answer while their Redis cannot decide. */
export function onFailureOption(description: string): Option {
  return new Option('--on-failure <policy>', description).choices(FAILURE_POLICIES);
}

/** What `onFailureOption` gives. */
export interface FailureFlags {
  readonly onFailure?: (typeof FAILURE_POLICIES)[number];
}

export const ON_FAILURE =
  'while Redis cannot decide, answer 503, allow, or decide by an equal share of each region (default: "closed")';

/** What `limiterOptions` gives. */
export interface LimiterFlags {
  readonly strategy: StrategyName;
  /** As typed. */
  readonly limiter?: string;
  readonly policy: Policy;
}

/** Everybody on the machine can read a command line. What was typed is not shown: it may hold a password. */
export function refusePassword(url: string): void {
  if (!URL.canParse(url) || new URL(url).password === '') return;
  throw new OpenclawError('INVALID_OPTION', 'a password is not for the command line', {
    hint: 'put it into REDIS_PASSWORD',
  });
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

/** A commander parser for a time like `500ms`, `10s`, `2m`; gives milliseconds. */
function parseDurationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a time like 500ms, 10s or 2m.');
  return ms;
}

/** As `parseDurationMs`, of a time that is not nothing. */
export function parseSomeDurationMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === 0) throw new InvalidArgumentError('Expected a time longer than 0.');
  return ms;
}

/** An option that takes a time like `500ms`, with its default as it would be typed. */
export function timeOption(
  flags: string,
  description: string,
  byDefault: string,
  parse = parseDurationMs,
): Option {
  return new Option(flags, description).argParser(parse).default(parse(byDefault), byDefault);
}

/** A commander parser for a time in a range of seconds, with or without its unit: `20`, `20s`, `500ms`. */
export function seconds(least: number, most: number): (text: string) => number {
  const decimal = decimalNumber(least, most);
  return (text) => {
    const ms = parseDuration(text);
    return decimal(ms === undefined ? text : String(ms / 1_000));
  };
}

/** As `parseDurationMs`, and with a minus before it for a time back. */
export function parseShiftMs(text: string): number {
  return text.startsWith('-') ? -parseDurationMs(text.slice(1)) : parseDurationMs(text);
}
