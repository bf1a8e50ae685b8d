import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Policy } from '../core/policy.ts';
import { decimalNumber, seconds, wholeNumber } from './options.ts';

/** What the commands that fire a load take. Times in seconds. */
export interface LoadFlags {
  readonly connections: number;
  readonly rate?: number;
  readonly users: number;
  readonly skew: number;
  readonly roaming: number;
  readonly cost: readonly number[];
  readonly ramp: number;
  readonly resting: number;
  /** Absent: as `longestRest` has it. */
  readonly rest?: number;
  readonly burst: number;
  readonly duration: number;
}

export function loadOptions(command: Command, { resting }: Pick<LoadFlags, 'resting'>): Command {
  return command
    .option(
      '--connections <count>',
      'concurrent users, each with one request in flight',
      wholeNumber(1, 10_000),
      1_000,
    )
    .option(
      '--rate <requests/s>',
      'start requests at this constant rate instead, whether earlier ones were answered or not',
      decimalNumber(0.1, 1_000_000),
    )
    .option('--users <count>', 'accounts they use, a bucket each', wholeNumber(1, 1_000_000), 200)
    .option(
      '--skew <exponent>',
      'Zipf exponent of how often each user is drawn; 0 is uniform',
      decimalNumber(0, 5),
      0.7,
    )
    .option('--roaming <share>', 'share of users who come from every region', decimalNumber(0, 1), 0.2)
    .addOption(
      new Option('--cost <tokens>', 'tokens a request asks for; of several, with commas, each as likely')
        .argParser(parseCosts)
        .default([1], '1'),
    )
    .option('--ramp <seconds>', 'users arrive one after another during this time', seconds(0, 3_600), 2)
    .option(
      '--resting <share>',
      'share of users who rest and come back in bursts: it shows a key that expires before its bucket is full',
      decimalNumber(0, 1),
      resting,
    )
    .option(
      '--rest <seconds>',
      'their longest rest; default: until a bucket is full, at most a quarter of the load',
      seconds(0.001, 3_600),
    )
    .option('--burst <seconds>', 'how long they send between two rests', seconds(0.001, 3_600), 0.5)
    .option('--duration <seconds>', 'how long requests are sent', seconds(0.1, 3_600), 20);
}

const parseCost = wholeNumber(1, 1_000_000);

function parseCosts(text: string): readonly number[] {
  const costs = text.split(',');
  if (costs.length <= 100) return costs.map(parseCost);
  throw new InvalidArgumentError('Expected at most 100 costs.');
}

/** Seconds: as long as a bucket takes to be full, and four times at least within the load. */
export function longestRest({ rest, duration }: LoadFlags, policy: Policy): number {
  const untilFull = policy.capacityQuanta / policy.quantaPerUs / 1_000_000;
  return rest ?? Math.max(0.001, Math.round(Math.min(untilFull, duration / 4) * 1_000) / 1_000);
}

/** The flags that make the same load again. */
export function loadCommandLine(flags: LoadFlags, policy: Policy): string {
  const { connections, rate, users, skew, roaming, cost, ramp, duration, resting, burst } = flags;
  const rests = resting === 0 ? '' : ` --rest ${longestRest(flags, policy)} --burst ${burst}`;
  return [
    `--connections ${connections}${rate === undefined ? '' : ` --rate ${rate}`} --users ${users} --skew ${skew}`,
    `--roaming ${roaming} --cost ${cost.join(',')} --ramp ${ramp} --duration ${duration}`,
    `--resting ${resting}${rests}`,
  ].join(' ');
}
