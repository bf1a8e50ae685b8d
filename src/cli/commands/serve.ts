import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { HEADERS } from '../../core/header-names.ts';
import { formatPolicies } from '../../core/policies.ts';
import { quoted } from '../../core/printable.ts';
import { STRATEGY_NAMES, traitsOf } from '../../core/strategies.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import { checkPrefix, DEFAULT_PREFIX } from '../../limiter/options/key.ts';
import type { RedisConnection } from '../../limiter/redis/connection.ts';
import { systemTime } from '../../limiter/system-surroundings.ts';
import {
  type FailurePolicy,
  formatFailurePolicy,
  parseFailurePolicy,
} from '../../limiter/wrappers/failure-policy.ts';
import { limiterOptionsOf } from '../../rating/limiter-options.ts';
import type { ServiceSetting } from '../../rating/service.ts';
import { ServiceClock } from '../../rating/service-clock.ts';
import { readHomesFile } from '../files/read-homes.ts';
import { checkMetrics, type MetricsFlag, measure, metricsOption } from '../flags/metrics-option.ts';
import { type LimiterFlags, limiterOptions, parsedBy, policiesOf, wholeNumber } from '../flags/options.ts';
import { type RedisFlags, readRedis, redisOptions } from '../flags/redis-options.ts';
import { collectOther, collectUpstream } from '../flags/service-addresses.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { isLoopback } from '../process/loopback.ts';
import { serve } from '../process/serve.ts';
import { commandEnvironment } from '../process/service-environment.ts';
import { serveClockCommand } from './serve-clock.ts';

export function serveCommand(environment: Environment): Command {
  return new Command('serve')
    .description('Run the sample Rating service, a gateway or the clock of a run until Ctrl-C.')
    .addCommand(ratingCommand(environment))
    .addCommand(gatewayCommand(environment))
    .addCommand(serveClockCommand(environment));
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly localAddress?: string;
}

function listening(command: Command): Command {
  return command
    .option('--region <name>', 'name of its region', 'local')
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <number>', 'listen on this port; 0 takes a free one', parsedPort, 8080)
    .option('--local-address <address>', 'connect from this address, which selects a region of `up`');
}

const parsedPort = wholeNumber(0, 65_535);

function ratingCommand(environment: Environment): Command {
  return redisOptions(limiterOptions(listening(new Command('rating'))))
    .description('The Rating service: POST /v1/ratings, GET /v1/ratings/<item>, GET /healthz.')
    .addOption(
      new Option(
        '--other <region=url>',
        'Redis of another region, for strategies with a bucket in each region; repeatable',
      )
        .argParser(collectOther)
        .default({}, 'none'),
    )
    .option(
      '--replicas <count>',
      'replicas of each primary, for strategies acked and lease; all of them must acknowledge an admission or a loan',
      wholeNumber(0, 100),
    )
    .addOption(
      new Option(
        '--on-failure <policy>',
        'answer while Redis cannot decide: closed (503), open (allow), local-share:N (decide in memory with 1/N of the policy)',
      )
        .argParser(parsedBy(parseFailurePolicy))
        .default('closed', 'closed'),
    )
    .addOption(
      new Option(
        '--homes <file>',
        "a homes table, or its JSON itself: a user's bucket is in the region before the first dot of its name",
      ).conflicts('limiter'),
    )
    .option('--prefix <text>', 'prefix of all keys', parsedBy(checkPrefix), DEFAULT_PREFIX)
    .option('--timeout <ms>', 'timeout of a Redis command', wholeNumber(1, 60_000), 1_000)
    .option('--evidence', 'add node and time of the decision to every reply (for tests)', false)
    .option(
      '--decision-ids',
      'accept the decision ids of gateways that fail over; only they may reach the service; for strategies central and acked',
      false,
    )
    .option('--allow-clock-change', 'let PUT /clock set its clock (for tests, on loopback only)', false)
    .addOption(metricsOption())
    .addHelpText('after', RATING_EXAMPLES)
    .action(async (options: RatingOptions) => {
      const clock = options.allowClockChange ? changeableClock(options) : undefined;
      checkMetrics(options);
      const opened = await openLimiter(options, clock?.nowMs ?? Date.now, environment);
      const measured = options.metrics === undefined ? { limiter: opened } : await measure(opened);
      const { createRatingService } = await import('../../rating/service.ts');
      const { logUndecided } = await import('../../rating/log-undecided.ts');
      const app = createRatingService({
        ...measured,
        region: options.region,
        setting: settingOf(options),
        evidence: options.evidence,
        decisionIds: options.decisionIds,
        ...(clock && { clock }),
        onUndecided: logUndecided(environment.log, () => performance.now()),
      });
      app.addHook('onClose', () => opened.close());
      await serve(app, options, environment);
    });
}

function settingOf({ prefix, onFailure, replicas, ...limits }: RatingOptions): ServiceSetting {
  const policy = formatPolicies(policiesOf(limits));
  return { policy, prefix, onFailure: formatFailurePolicy(onFailure), ...given({ replicas }) };
}

/** Opens the plug-in if one is given, else the strategy. */
async function openLimiter(
  options: RatingOptions,
  nowMs: () => number,
  environment: Environment,
): Promise<Limiter> {
  const { prefix, region, strategy, localAddress, timeout: commandTimeoutMs } = options;
  const policies = policiesOf(options);
  const place = { ...(localAddress && { localAddress }), commandTimeoutMs };
  const { login, ...where } = readRedis(options, environment);
  const redis: RedisConnection = { ...place, ...login, ...where };
  if (options.limiter === undefined) {
    const others = Object.fromEntries(
      Object.entries(options.other).map(([name, url]) => [name, { ...place, ...login, urls: [url] }]),
    );
    const acks = checkReplicas(options);
    checkDecisionIds(options);
    if (options.homes !== undefined && !where.cluster)
      throw invalidOption('--homes needs --cluster: a home is a region of a Redis Cluster', 'add --cluster');
    const homes = options.homes !== undefined && { homes: await readHomesFile(options.homes, environment) };
    const { onFailure } = options;
    const setting = {
      strategy,
      policies,
      prefix,
      region,
      redis,
      others,
      onFailure,
      nowMs,
      ...acks,
      ...homes,
    };
    const { createLimiter } = await import('../../limiter/create.ts'); // here, since a gateway needs none
    return createLimiter(limiterOptionsOf(setting));
  }
  if (options.onFailure !== 'closed')
    throw invalidOption('--on-failure cannot be used with --limiter', 'leave out --on-failure');
  if (options.decisionIds || options.evidence)
    throw invalidOption(
      '--decision-ids and --evidence cannot be used with --limiter',
      'leave out --decision-ids and --evidence',
    );
  const file = resolve(environment.cwd, options.limiter);
  const { openPlugin } = await import('../../limiter/plugin/open.ts');
  const { logUnanswered } = await import('../../rating/log-unanswered.ts');
  if (localAddress !== undefined) {
    const { placeConnections } = await import('../../rating/place-connections.ts');
    placeConnections(localAddress, environment.log);
  }
  const { started, release } = await startPlugin(file, environment, () =>
    openPlugin(file, {
      ...{ policies, redis, region, prefix, nowMs },
      host: { env: commandEnvironment(environment), atExit: (end) => void environment.onExit(end) },
    }),
  );
  const limiter = logUnanswered(started, systemTime, environment.log);
  return { ...limiter, close: () => limiter.close().finally(release) };
}

function checkReplicas({ strategy, replicas }: RatingOptions): { readonly replicas?: number } {
  const { waitsForReplicas = false, lends } = traitsOf(strategy);
  const without = lends ? '--strategy lease-unacked' : '--strategy central';
  if (waitsForReplicas && replicas === 0)
    throw invalidOption(
      `strategy ${strategy} needs --replicas of at least 1; got 0`,
      `use ${without}, which needs no replicas`,
    );
  if (waitsForReplicas === (replicas !== undefined)) return replicas === undefined ? {} : { replicas };
  throw invalidOption(
    waitsForReplicas
      ? `strategy ${strategy} needs --replicas, the number of replicas of each primary`
      : `--replicas cannot be used with strategy ${strategy}, which waits for no replicas`,
    waitsForReplicas ? `give --replicas, or ${without}` : 'remove it',
  );
}

/** Without this check, every request of a gateway that fails over would get 503. */
function checkDecisionIds({ strategy, decisionIds }: RatingOptions): void {
  if (!decisionIds || traitsOf(strategy).remembersDecisions) return;
  const able = STRATEGY_NAMES.filter((name) => traitsOf(name).remembersDecisions);
  throw invalidOption(
    `--decision-ids cannot be used with strategy ${strategy}, which remembers no decisions`,
    `remove it, or use ${able.map((name) => `--strategy ${name}`).join(' or ')}`,
  );
}

function changeableClock({ host }: ListenOptions): ServiceClock {
  if (isLoopback(host)) return new ServiceClock();
  throw invalidOption(`--allow-clock-change needs a --host on loopback; found ${quoted(host)}`);
}

/** Logs at most one line a second: without Redis every request fails. */
interface RatingOptions extends ListenOptions, LimiterFlags, MetricsFlag, RedisFlags {
  readonly other: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly homes?: string;
  readonly onFailure: FailurePolicy;
  readonly prefix: string;
  readonly timeout: number;
  readonly evidence: boolean;
  readonly decisionIds: boolean;
  readonly allowClockChange: boolean;
}

const RATING_EXAMPLES = `
The password is read from REDIS_PASSWORD, the user name from REDIS_USERNAME;
those of Sentinels from SENTINEL_PASSWORD and SENTINEL_USERNAME. Each may be in
a file that REDIS_PASSWORD_FILE and so on name.

Examples:
  $ openclaw-rl serve rating --redis redis://127.0.0.1:6379 --policy 100:10/s
  $ curl -i -H 'content-type: application/json' -H '${HEADERS.user}: ada' \\
      -d '{"item": "paper-1", "score": 5}' http://127.0.0.1:8080/v1/ratings
  $ openclaw-rl serve rating --redis redis://127.0.0.1:6379 --policy 20:5/s \\
      --limiter ./mine.mjs`;

function gatewayCommand(environment: Environment): Command {
  return listening(new Command('gateway'))
    .description('A gateway for a Rating service: forwards each request and charges it once.')
    .requiredOption(
      '--upstream <url...>',
      'Rating service at http://host:port; repeatable: requests go to several in turn',
      collectUpstream,
    )
    .option(
      '--fail-over <url...>',
      'Rating services of other regions, tried in this order if it cannot decide; all of them need --decision-ids',
      collectUpstream,
    )
    .option(
      '--allow-clock-change',
      'let GET and PUT /instances/<number>/clock reach the clock of that service (for tests)',
      false,
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ openclaw-rl serve gateway --port 8081 --upstream http://127.0.0.1:8080',
    )
    .action(async (options: GatewayFlags) => {
      if (options.failOver !== undefined && options.upstream.length > 1)
        throw invalidOption('--fail-over needs exactly one --upstream', 'leave out the others');
      const { createGateway } = await import('../../rating/gateway.ts');
      await serve(createGateway(options), options, environment);
    });
}

interface GatewayFlags extends ListenOptions {
  readonly upstream: string[];
  readonly failOver?: string[];
  readonly allowClockChange: boolean;
}
