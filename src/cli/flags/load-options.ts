import { type Command, InvalidArgumentError, Option } from 'commander';
import { type NamedPolicy, POLICY_NAME, POLICY_NAME_FORM } from '../../core/policies.ts';
import { restingUsers, restShare } from '../../core/rests.ts';
import type { Roaming } from '../../core/roaming.ts';
import { plain, rounded } from '../../core/units.ts';
import { DEFAULT_LOAD, DEFAULT_RESTING, LIMITS, TIMES } from '../../scenario/defaults.ts';
import type { LoadPlan } from '../../scenario/plan.ts';
import { msToFull } from '../../scenario/planned.ts';
import { decimalNumber, seconds, wholeNumber } from './options.ts';

/** The flags of commands that send load. Times in seconds. */
export interface LoadFlags {
  readonly connections: number;
  readonly rate?: number;
  readonly users: number;
  readonly skew: number;
  readonly roaming: Roaming;
  readonly cost: Costs;
  readonly ramp: number;
  readonly resting: number;
  /** Default: see `longestRest`. */
  readonly rest?: number;
  readonly burst: number;
  readonly duration: number;
}

type Costs = Pick<LoadPlan, 'costs' | 'costsByPolicy'>;

export function loadOptions(command: Command, { resting }: Pick<LoadFlags, 'resting'>): Command {
  const { connections, users, skew, roaming, cost, rampMs, durationMs } = DEFAULT_LOAD;
  command
    .option(
      '--connections <count>',
      'concurrent connections, each with one request in flight',
      wholeNumber(...LIMITS.connections),
      connections,
    )
    .option(
      '--rate <requests/s>',
      'open load: start requests at this constant rate, whether earlier ones were answered or not',
      decimalNumber(...LIMITS.rate),
    )
    .option('--users <count>', 'users, each with its own bucket', wholeNumber(...LIMITS.users), users)
    .option(
      '--skew <exponent>',
      'Zipf exponent of how often each user is drawn; 0 is uniform',
      decimalNumber(...LIMITS.skew),
      skew,
    )
    .option(
      '--roaming <share>',
      'share of users that send from every region; auto: the 20 busiest, of fewer users all',
      (text: string): Roaming => (text === 'auto' ? text : decimalNumber(...LIMITS.share)(text)),
      roaming,
    )
    .addOption(
      new Option(
        '--cost <[name=]tokens>',
        'tokens of a request; of a list with commas, each is equally likely; repeat it with names of policies (others: 1)',
      )
        .argParser(collectCosts)
        .default({ costs: [cost] }, `${cost}`),
    )
    .option(
      '--ramp <seconds>',
      'users arrive one after another during this time',
      seconds(TIMES.ramp),
      rampMs / 1_000,
    );
  return restOptions(command, resting).option(
    '--duration <seconds>',
    'length of the load',
    seconds(TIMES.duration),
    durationMs / 1_000,
  );
}

function restOptions(command: Command, resting: number): Command {
  return command
    .option(
      '--resting <share>',
      'share of users that pause and send in bursts (finds keys that expire before the bucket is full)',
      decimalNumber(...LIMITS.share),
      resting,
    )
    .option(
      '--rest <seconds>',
      'their longest pause (default: until a bucket is full, at most a quarter of the load)',
      seconds(TIMES.rest),
    )
    .option(
      '--burst <seconds>',
      'how long they send between two pauses',
      seconds(TIMES.rest),
      DEFAULT_RESTING.burstMs / 1_000,
    );
}

const parseCost = wholeNumber(1, 1_000_000);

function collectCosts(text: string, { costsByPolicy }: Costs): Costs {
  const at = text.indexOf('=');
  if (at < 0) {
    if (costsByPolicy === undefined) return { costs: parseCosts(text) };
    throw new InvalidArgumentError('Expected a cost for all policies, or costs by name.');
  }
  const name = text.slice(0, at);
  if (!POLICY_NAME.test(name)) throw new InvalidArgumentError(`Expected ${POLICY_NAME_FORM}, before the =.`);
  return {
    costs: [DEFAULT_LOAD.cost],
    costsByPolicy: { ...costsByPolicy, [name]: parseCosts(text.slice(at + 1)) },
  };
}

function parseCosts(text: string): readonly number[] {
  const costs = text.split(',');
  if (costs.length <= 100) return costs.map(parseCost);
  throw new InvalidArgumentError('Expected at most 100 costs.');
}

/**
 * Seconds: the time until every bucket is full, at most a quarter of the load. Of few users the longest rest would be much
 * shorter, since rests are spread evenly: then it is so long that the user with the longest one rests nearly until then.
 */
function longestRest(
  { rest, duration, users, resting }: LoadFlags,
  policies: readonly NamedPolicy[],
): number {
  const untilFull = Math.max(...policies.map(({ policy }) => msToFull(policy) / 1_000));
  const count = restingUsers(users, resting);
  const ofLongest = Math.min(NEARLY * untilFull, duration / 4) / restShare(count - 1, count);
  const longest = Math.max(Math.min(untilFull, duration / 4), ofLongest);
  return rest ?? Math.max(0.001, Math.round(longest * 1_000) / 1_000);
}

/** A bucket that gains less than the rest shows well whether it was forgotten. */
const NEARLY = 0.85;

/** The load of these flags. */
export function makeLoad(flags: LoadFlags, policies: readonly NamedPolicy[]): LoadPlan {
  const { connections, rate, users, skew, roaming, cost, ramp, duration, resting, burst } = flags;
  const ms = (seconds: number) => rounded(1_000 * seconds, 3);
  return {
    ...{ mode: rate === undefined ? 'closed' : 'open', connections },
    ...(rate !== undefined && { ratePerSecond: rate }),
    ...{ users, skew, roaming, ...cost, rampMs: ms(ramp), durationMs: ms(duration) },
    ...(resting > 0 && {
      resting: { share: resting, restMs: ms(longestRest(flags, policies)), burstMs: ms(burst) },
    }),
  };
}

/** The flags that make this load. */
export function loadCommandLine(load: LoadPlan): string {
  const { connections, ratePerSecond: rate, users, skew, roaming, rampMs, durationMs, resting } = load;
  return [
    `--connections ${connections}${rate === undefined ? '' : ` --rate ${rate}`} --users ${users} --skew ${plain(skew)}`,
    `--roaming ${roaming === 'auto' ? roaming : plain(roaming)} ${costCommandLine(load)} --ramp ${rampMs / 1_000} --duration ${durationMs / 1_000}`,
    `--resting ${plain(resting?.share ?? 0)}`,
    ...(resting ? [`--rest ${resting.restMs / 1_000} --burst ${resting.burstMs / 1_000}`] : []),
  ].join(' ');
}

function costCommandLine({ costs, costsByPolicy }: Costs): string {
  if (costsByPolicy === undefined) return `--cost ${costs.join(',')}`;
  return Object.entries(costsByPolicy)
    .map(([name, ofPolicy]) => `--cost ${name}=${ofPolicy.join(',')}`)
    .join(' ');
}
