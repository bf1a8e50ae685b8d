import { type Command, InvalidArgumentError, Option } from 'commander';
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
  readonly duration: number;
}

export function loadOptions(command: Command): Command {
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
    .option('--duration <seconds>', 'how long requests are sent', seconds(0.1, 3_600), 20);
}

const parseCost = wholeNumber(1, 1_000_000);

function parseCosts(text: string): readonly number[] {
  const costs = text.split(',');
  if (costs.length <= 100) return costs.map(parseCost);
  throw new InvalidArgumentError('Expected at most 100 costs.');
}

/** The flags that make the same load again. */
export function loadCommandLine({
  connections,
  rate,
  users,
  skew,
  roaming,
  cost,
  ramp,
  duration,
}: LoadFlags): string {
  return [
    `--connections ${connections}${rate === undefined ? '' : ` --rate ${rate}`} --users ${users} --skew ${skew}`,
    `--roaming ${roaming} --cost ${cost.join(',')} --ramp ${ramp} --duration ${duration}`,
  ].join(' ');
}
