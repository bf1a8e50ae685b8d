import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { formatPolicy } from '../../core/policy.ts';
import type { BenchResult, Progress } from '../../experiment/bench.ts';
import { makeRunFolder, writeRunFile } from '../../experiment/run-folder.ts';
import { DEFAULT_PREFIX } from '../../limiter/key.ts';
import { makeReport, type RunFacts } from '../../report/report.ts';
import { renderTable } from '../../report/table.ts';
import {
  bringUp,
  clusterStore,
  DEFAULT_CLUSTER,
  findRunning,
  type TopologyFlags,
  topologyCommandLine,
  topologyOptions,
} from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { exitCodeOfVerdict } from '../exit-codes.ts';
import { decimalNumber, type LimiterFlags, limiterOptions, wholeNumber } from '../options.ts';

interface Options extends TopologyFlags, LimiterFlags {
  readonly name: string;
  readonly connections: number;
  readonly users: number;
  readonly skew: number;
  readonly roaming: number;
  readonly ramp: number;
  readonly duration: number;
  readonly reports: string;
  readonly json: boolean;
}

export function benchCommand(environment: Environment): Command {
  return limiterOptions(topologyOptions(new Command('bench')))
    .description(
      'Bring up three regions, each with gateway and Rating service, fire the load, judge, tear down.',
    )
    .option(
      '--connections <count>',
      'concurrent users, each with one request in flight',
      wholeNumber(1, 10_000),
      1_000,
    )
    .option('--users <count>', 'accounts they use, a bucket each', wholeNumber(1, 1_000_000), 200)
    .option(
      '--skew <exponent>',
      'Zipf exponent of how often each user is drawn; 0 is uniform',
      decimalNumber(0, 5),
      0.7,
    )
    .option('--roaming <share>', 'share of users who come from every region', decimalNumber(0, 1), 0.2)
    .option('--ramp <seconds>', 'users arrive one after another during this time', decimalNumber(0, 3_600), 2)
    .option('--duration <seconds>', 'how long requests are sent', decimalNumber(0.1, 3_600), 10)
    .option('--name <name>', 'run on this cluster if it is up, and leave it up', DEFAULT_CLUSTER)
    .option('--reports <folder>', 'runs are kept in here', 'reports')
    .option('--json', 'print one JSON document and nothing else', false)
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => bench(options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl bench                                  # 1,000 concurrent users against the exact limiter
  $ openclaw-rl bench --strategy article               # the published script, convicted: exit code 1
  $ openclaw-rl bench --policy 100:10/s --users 50     # a hot set of users
  $ openclaw-rl bench --round-trip us-east:eu-west=10  # regions closer together
  $ openclaw-rl up && openclaw-rl bench                # on a cluster that stays
  $ openclaw-rl bench --json | jq .verdict`;

async function bench(options: Options, environment: Environment): Promise<void> {
  const startedAt = new Date();
  const store = clusterStore(environment);
  const running = await findRunning(store, options.name);
  const regions = running?.topology.regions ?? options.regions;
  const { connections, users, skew, roaming, ramp, seed } = options;
  const folder = await makeRunFolder(resolve(environment.cwd, options.reports), startedAt, `bench-${seed}`);
  const prefix = `${DEFAULT_PREFIX}:${basename(folder)}`; // fresh keys: every bucket begins full
  const { runBench } = await import('../../experiment/bench.ts'); // heavy: not for --help, nor for the children
  if (running !== undefined)
    await store.noteRun(options.name, { policy: formatPolicy(options.policy), prefix });
  const result = await runBench({
    self: environment.self,
    env: serviceEnvironment(environment),
    provide: async () =>
      running === undefined
        ? {
            regions: await bringUp(environment, options, { name: `bench-${process.pid}`, lifetime: 'run' }),
            isOurs: true,
          }
        : { regions: running, isOurs: false },
    strategy: options.strategy,
    policy: options.policy,
    prefix,
    shape: {
      mode: 'closed',
      costs: [1],
      connections,
      users,
      skew,
      roaming,
      rampMs: ramp * 1_000,
      regions,
      seed,
    },
    durationMs: options.duration * 1_000,
    folder,
    startedAt,
    signal: environment.interrupt,
    onProgress: (progress) => environment.log(progressLine(progress)),
  });
  const report = makeReport(factsOf(options, result, { startedAt, folder }), result.check, result.latencies);
  const document = `${JSON.stringify(report, undefined, 2)}\n`;
  await writeRunFile(folder, 'report.json', document);
  environment.out(options.json ? document : renderTable(report, { colour: environment.colourOut }));
  for (const leftover of result.leftovers) environment.log(`warning: not undone: ${leftover}\n`);
  environment.setExitCode(
    environment.interrupt.aborted ? environment.interruptCode() : exitCodeOfVerdict(report.verdict),
  );
}

/** The services' Redis is ours and has no password: one that is meant for another must not reach it. */
function serviceEnvironment({ env }: Environment): Record<string, string> {
  const { REDIS_USERNAME: _user, REDIS_PASSWORD: _password, ...rest } = env;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function factsOf(
  options: Options,
  result: BenchResult,
  { startedAt, folder }: { startedAt: Date; folder: string },
): RunFacts {
  return {
    command: commandOf(options),
    seed: options.seed,
    startedAt: startedAt.toISOString(),
    folder,
    strategy: options.strategy,
    policy: formatPolicy(options.policy),
    server: result.system,
    loadMs: Math.round(result.loadMs),
  };
}

/** The command that makes this run again, every number of it spelled out. */
function commandOf(options: Options): string {
  const { connections, users, skew, roaming, ramp, duration, seed } = options;
  const load = { connections, users, skew, roaming, ramp, duration, seed };
  return [
    `openclaw-rl bench --strategy ${options.strategy} --policy ${formatPolicy(options.policy)}`,
    ...Object.entries(load).map(([name, value]) => `--${name} ${value}`),
    topologyCommandLine(options),
  ].join(' ');
}

function progressLine({ phase, elapsedMs, counts, detail }: Progress): string {
  const seconds = `${(elapsedMs / 1_000).toFixed(1)} s`.padStart(7);
  const { allowed, denied, failed, info } = counts;
  const rest =
    detail ??
    (allowed + denied + failed + info > 0
      ? `allowed ${allowed}, denied ${denied}, failed ${failed}, info ${info}`
      : '');
  return `${seconds}  ${phase.padEnd(9)}  ${rest}\n`;
}
