import { type Command, InvalidArgumentError, Option } from 'commander';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { joinPolicies, type NamedPolicy, parseNamed, parsePolicies } from '../../core/policies.ts';
import { DEFAULT_STRATEGY, STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { parseStrategy } from '../../limiter/options/strategy.ts';
import { DEFAULT_POLICY, LIMITS } from '../../scenario/defaults.ts';
import {
  durationForm,
  type MsLimits,
  parseDuration,
  parseDurationIn,
  parseSignedDuration,
  TIME_EXAMPLE,
} from '../../scenario/units.ts';
import { checkRegions } from '../../topology/regions.ts';

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

/** Turns a parser that throws OpenclawError into a commander parser: the message appears with the option's name. */
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

/** A comma-separated list of region names. */
export const parseRegions = parsedBy((text: string): readonly string[] => checkRegions(text.split(',')));

/** Adds the strategy, or the plug-in, and the policy of a limiter to a command. */
export function limiterOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <name>', 'how the regions share a bucket')
        .choices(STRATEGY_NAMES)
        .argParser(parsedBy(parseStrategy))
        .default(DEFAULT_STRATEGY),
    )
    .addOption(
      new Option(
        '--limiter <file>',
        'your own limiter instead of a strategy: a module that exports createLimiter, or a YAML file with the command of a program',
      ).conflicts('strategy'),
    )
    .addOption(
      new Option(
        '--policy <[name=]capacity:rate>',
        'capacity and refill of each bucket; repeat it with names for several policies, which decide together',
      )
        .argParser(collectPolicies)
        .default(NOT_TYPED, DEFAULT_POLICY),
    );
}

const NOT_TYPED = parsePolicies(DEFAULT_POLICY);
const parsePolicyFlag = parsedBy(parseNamed);

function collectPolicies(text: string, before: readonly NamedPolicy[]): readonly NamedPolicy[] {
  const one = parsePolicyFlag(text);
  return before === NOT_TYPED ? [one] : [...before, one];
}

/** The policies of these flags. Throws INVALID_POLICY. */
export function policiesOf({ policy }: Pick<LimiterFlags, 'policy'>): readonly NamedPolicy[] {
  return joinPolicies(policy);
}

const FAILURE_POLICIES = ['closed', 'open', 'local-share'] as const;

/** The option for the services' answers while Redis cannot decide. */
export function onFailureOption(description: string): Option {
  return new Option('--on-failure <policy>', description).choices(FAILURE_POLICIES).conflicts('limiter');
}

/** The option for the Rating services of each region. */
export function instancesOption(description = INSTANCES): Option {
  return new Option('--instances <count>', description).argParser(wholeNumber(...LIMITS.instances));
}

const INSTANCES = 'Rating services of each region; its gateway sends requests to them in turn (default: 1)';

/** The flag of `instancesOption`. */
export interface InstancesFlag {
  readonly instances?: number;
}

/** The option for the processes that send the load. */
export function loadProcessesOption(): Option {
  return new Option(
    '--load-processes <count>',
    'processes that send the load, at most one for each region (default: one for each region if the machine has two cores for each, else 1)',
  ).argParser(wholeNumber(...LIMITS.processes));
}

/** The option for buckets in the regions of their users. */
export function homesOption(): Option {
  return new Option(
    '--homes',
    "put each user's bucket on a primary of its home, the region that its name begins with",
  ).conflicts('limiter');
}

/** The flag of `homesOption`. */
export interface HomesFlag {
  readonly homes?: true;
}

/** The flag of `onFailureOption`. */
export interface FailureFlags {
  readonly onFailure?: (typeof FAILURE_POLICIES)[number];
}

export const ON_FAILURE =
  'answer while Redis cannot decide: 503, allow, or decide with an equal share for each service (default: "closed")';

/** The flags of `limiterOptions`. */
export interface LimiterFlags {
  readonly strategy: StrategyName;
  /** As typed. */
  readonly limiter?: string;
  /** As typed; `policiesOf` checks them together. */
  readonly policy: readonly NamedPolicy[];
}

/** Throws INVALID_OPTION for a URL with a password. The message does not repeat the URL. */
export function refusePassword(url: string): void {
  if (!URL.canParse(url) || new URL(url).password === '') return;
  throw invalidOption(
    'passwords are not accepted on the command line (other users can see them)',
    'set REDIS_PASSWORD',
  );
}

/** Collects `a:b=40`, repeated or separated by commas, into `{ 'a:b': 40 }`. */
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
  return expected(parseDuration(text), TIME_EXAMPLE);
}

/** Like `parseDurationMs`, for a time above 0. */
export function parseSomeDurationMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === 0) throw new InvalidArgumentError('Expected a time longer than 0.');
  return ms;
}

/** An option that takes a time like `500ms`; `byDefault` has the same form. */
export function timeOption(
  flags: string,
  description: string,
  byDefault: string,
  parse = parseDurationMs,
): Option {
  return new Option(flags, description).argParser(parse).default(parse(byDefault), byDefault);
}

/** A commander parser for seconds in these limits, with or without a unit: `20`, `20s`, `500ms`. */
export function seconds(limits: MsLimits): (text: string) => number {
  return (text) => {
    const withUnit = parseDuration(text) === undefined ? `${text}s` : text;
    return expected(parseDurationIn(limits, withUnit), `seconds, or ${durationForm(limits)}`) / 1_000;
  };
}

/** A commander parser for a time like `500ms` in these limits; gives milliseconds. */
export function durationIn(limits: MsLimits): (text: string) => number {
  return (text) => expected(parseDurationIn(limits, text), durationForm(limits));
}

/** Like `parseDurationMs`; a minus sign makes it negative. */
export function parseShiftMs(text: string): number {
  return expected(parseSignedDuration(text), `${TIME_EXAMPLE}, or -2s`);
}

function expected(value: number | undefined, what: string): number {
  if (value === undefined) throw new InvalidArgumentError(`Expected ${what}.`);
  return value;
}
