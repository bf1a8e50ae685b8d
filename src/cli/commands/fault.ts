import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { type CutMode, healLinks, type Links } from '../../regions/links.ts';
import { between, isolating, oneWay } from '../../regions/pairs.ts';
import type { RegionPair, Topology } from '../../regions/topology.ts';
import { type ChosenRegions, choosingRegions, openRegions } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { decimalNumber, parseDurationMs } from '../options.ts';

/** Injects into a cluster that is up and heals after `--for`, or on Ctrl-C. */
export function faultCommand(environment: Environment): Command {
  return new Command('fault')
    .description('Inject a fault into a cluster that is up; heal it after --for, or on Ctrl-C.')
    .addCommand(partitionCommand(environment))
    .addCommand(latencyCommand(environment))
    .addCommand(bandwidthCommand(environment))
    .addCommand(healCommand(environment));
}

interface Common extends ChosenRegions {
  readonly for?: number;
}

function timed(command: Command): Command {
  return choosingRegions(command).option(
    '--for <time>',
    'heal after this time, like 10s (default: on Ctrl-C)',
    parseDurationMs,
  );
}

interface PartitionFlags extends Common {
  readonly isolate?: string[];
  readonly from?: string[];
  readonly to?: string[];
  readonly mode: CutMode;
}

function partitionCommand(environment: Environment): Command {
  return timed(new Command('partition'))
    .description('Cut regions off from each other, data and bus alike.')
    .option('--isolate <regions...>', 'cut these off from all others, both ways')
    .option('--from <regions...>', 'with --to: cut one way only, what flows from these')
    .option('--to <regions...>', 'with --from: to these')
    .addOption(
      new Option('--mode <mode>', 'blackhole swallows what flows; refuse closes, and connects fail at once')
        .choices(['blackhole', 'refuse'])
        .default('blackhole'),
    )
    .addHelpText('after', PARTITION_EXAMPLES)
    .action((flags: PartitionFlags) =>
      inject(environment, flags, async (links, topology) => {
        const pairs = chosenPairs(flags, topology);
        await links.cut(pairs, flags.mode);
        return () => links.restore(pairs);
      }),
    );
}

function chosenPairs({ isolate, from, to }: PartitionFlags, topology: Topology): RegionPair[] {
  if (isolate !== undefined && from === undefined && to === undefined) return isolating(isolate, topology);
  if (isolate === undefined && from !== undefined && to !== undefined) return oneWay(from, to, topology);
  throw new OpenclawError(
    'INVALID_OPTION',
    'a partition is either --isolate <regions> or --from <regions> --to <regions>',
  );
}

const PARTITION_EXAMPLES = `
Examples:
  $ openclaw-rl fault partition --isolate eu-west --for 10s
  $ openclaw-rl fault partition --isolate eu-west --mode refuse
  $ openclaw-rl fault partition --from eu-west --to us-east ap-south   # mute: it hears, and is not heard`;

function latencyCommand(environment: Environment): Command {
  return timed(new Command('latency'))
    .description('Set the delay between two regions, each way; healing sets it back.')
    .requiredOption('--between <regions...>', 'two regions')
    .requiredOption('--ms <ms>', 'milliseconds one way', decimalNumber(0, 60_000))
    .option('--jitter <ms>', 'vary by up to this much either way', decimalNumber(0, 60_000), 0)
    .addHelpText(
      'after',
      '\nExample:\n  $ openclaw-rl fault latency --between us-east eu-west --ms 400 --jitter 50 --for 30s',
    )
    .action((flags: Common & { between: string[]; ms: number; jitter: number }) =>
      inject(environment, flags, async (links, topology) => {
        const pairs = between(flags.between, topology);
        const before = (await links.state()).filter((state) =>
          pairs.some(({ from, to }) => from === state.from && to === state.to),
        );
        for (const pair of pairs)
          await links.setLatency(pair, { latencyMs: flags.ms, jitterMs: flags.jitter });
        return async () => {
          for (const state of before) await links.setLatency(state, state);
        };
      }),
    );
}

function bandwidthCommand(environment: Environment): Command {
  return timed(new Command('bandwidth'))
    .description('Limit what flows between two regions, each way, per connection.')
    .requiredOption('--between <regions...>', 'two regions')
    .requiredOption('--rate <kB/s>', 'kilobytes (1,000 bytes) a second', decimalNumber(1, 10_000_000))
    .addHelpText(
      'after',
      '\nExample:\n  $ openclaw-rl fault bandwidth --between us-east eu-west --rate 100 --for 30s',
    )
    .action((flags: Common & { between: string[]; rate: number }) =>
      inject(environment, flags, async (links, topology) => {
        const pairs = between(flags.between, topology);
        for (const pair of pairs) await links.setBandwidth(pair, Math.round(flags.rate));
        return async () => {
          for (const pair of pairs) await links.setBandwidth(pair, undefined);
        };
      }),
    );
}

function healCommand(environment: Environment): Command {
  return choosingRegions(new Command('heal'))
    .description('Take away every cut and limit and set the round trips back, whoever left them.')
    .addHelpText('after', '\nExample:\n  $ openclaw-rl fault heal')
    .action(async (chosen: ChosenRegions) => {
      const regions = await openRegions(environment, chosen);
      await healLinks(regions.links, regions.topology);
      environment.log('healed\n');
    });
}

type Inject = (links: Links, topology: Topology) => Promise<() => Promise<void>>;

async function inject(environment: Environment, flags: Common, start: Inject): Promise<void> {
  const { for: forMs } = flags;
  const { links, topology } = await openRegions(environment, flags);
  const undo = await start(links, topology).catch(async (error: unknown) => {
    await healLinks(links, topology).catch(() => {}); // a part of it may be in force
    throw error;
  });
  environment.log(
    forMs === undefined ? 'in force, until Ctrl-C\n' : `in force for ${forMs / 1_000} s, or until Ctrl-C\n`,
  );
  await waitFor(forMs, environment.interrupt);
  await undo();
  environment.log('healed\n');
}

/** Resolves after the time, if there is one, or when the signal comes. */
async function waitFor(ms: number | undefined, signal: AbortSignal): Promise<void> {
  const longestTimer = 2 ** 31 - 1; // a longer one would ring at once
  for (let left = ms ?? Number.POSITIVE_INFINITY; left > 0 && !signal.aborted; left -= longestTimer)
    await sleep(Math.min(left, longestTimer), undefined, { signal }).catch(() => {});
}
