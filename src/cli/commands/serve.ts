import type { Server } from 'node:http';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { OpenclawError, printable, quoted } from '../../core/errors.ts';
import { createLimiter, isAcked, isApart } from '../../limiter/create.ts';
import { type FailurePolicy, parseFailurePolicy } from '../../limiter/failure-policy.ts';
import { checkPrefix, DEFAULT_PREFIX } from '../../limiter/key.ts';
import type { Limiter } from '../../limiter/limiter.ts';
import { openPlugin } from '../../limiter/open-plugin.ts';
import type { RedisConnection } from '../../limiter/redis-connection.ts';
import { ServiceClock } from '../../rating/service-clock.ts';
import type { Environment } from '../environment.ts';
import { isLoopback } from '../loopback.ts';
import { checkMetrics, type MetricsFlag, measure, metricsOption } from '../metrics-option.ts';
import { type LimiterFlags, limiterOptions, parsedBy, refusePassword, wholeNumber } from '../options.ts';
import { startPlugin } from '../start-plugin.ts';

export function serveCommand(environment: Environment): Command {
  return new Command('serve')
    .description('Run the sample Rating service or a gateway alone, until Ctrl-C.')
    .addCommand(ratingCommand(environment))
    .addCommand(gatewayCommand(environment));
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly localAddress?: string;
}

function listening(command: Command): Command {
  return command
    .option('--region <name>', 'the region it says it is in', 'local')
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <number>', 'listen on this port; 0 takes a free one', parsedPort, 8080)
    .option('--local-address <address>', 'connect from this address: it places it in a region of `up`');
}

const parsedPort = wholeNumber(0, 65_535);

function ratingCommand(environment: Environment): Command {
  return limiterOptions(listening(new Command('rating')))
    .description('The Rating service: POST /v1/ratings, GET /v1/ratings/<item>, GET /healthz.')
    .requiredOption(
      '--redis <url...>',
      'redis[s]://host:port of Redis; several with --cluster',
      collectAddress,
    )
    .addOption(
      new Option(
        '--other <region=url>',
        'of a strategy whose regions decide side by side: the Redis of another region; repeatable',
      )
        .argParser(collectOther)
        .default({}, 'none'),
    )
    .option(
      '--replicas <count>',
      'of strategies acked and lease: how many replicas each primary has; all of them must have an admission, or a loan',
      wholeNumber(0, 100),
    )
    .addOption(
      new Option(
        '--on-failure <policy>',
        'while Redis cannot decide: closed answers 503, open allows, local-share:N decides in memory by an Nth of the policy',
      )
        .argParser(parsedBy(parseFailurePolicy))
        .default('closed', 'closed'),
    )
    .option('--cluster', 'the addresses are nodes of a Redis Cluster')
    .option('--prefix <text>', 'what every key starts with', parsedBy(checkPrefix), DEFAULT_PREFIX)
    .option('--timeout <ms>', 'wait this long for Redis', wholeNumber(1, 60_000), 1_000)
    .option('--evidence', 'say in every reply who decided and when (for tests)', false)
    .option(
      '--decision-ids',
      'take the decision ids of gateways that fail over; nobody else may reach it',
      false,
    )
    .option(
      '--allow-clock-change',
      'let PUT /clock make its clock wrong (for tests, on loopback only)',
      false,
    )
    .addOption(metricsOption())
    .addHelpText('after', RATING_EXAMPLES)
    .action(async (options: RatingOptions) => {
      const clock = options.allowClockChange ? changeableClock(options) : undefined;
      checkMetrics(options);
      const opened = await openLimiter(options, clock?.nowMs ?? Date.now, environment);
      const measured = options.metrics === undefined ? { limiter: opened } : await measure(opened);
      const { createRatingService } = await import('../../rating/service.ts');
      const app = createRatingService({
        ...measured,
        region: options.region,
        evidence: options.evidence,
        decisionIds: options.decisionIds,
        ...(clock && { clock }),
        onUndecided: logOnceASecond(environment),
      });
      app.addHook('onClose', () => opened.close());
      await serve(app, options, environment);
    });
}

/** The plug-in that was named, else the strategy. */
async function openLimiter(
  options: RatingOptions,
  nowMs: () => number,
  environment: Environment,
): Promise<Limiter> {
  const { env, cwd } = environment;
  const { REDIS_USERNAME: username, REDIS_PASSWORD: password } = env;
  const { policy, prefix, region, strategy } = options;
  const connection = {
    ...(options.localAddress && { localAddress: options.localAddress }),
    commandTimeoutMs: options.timeout,
    ...(username && { username }),
    ...(password && { password }),
  };
  const redis: RedisConnection = { ...connection, urls: options.redis, cluster: options.cluster === true };
  if (options.limiter === undefined) {
    const others = Object.fromEntries(
      Object.entries(options.other).map(([name, url]) => [name, { ...connection, urls: [url] }]),
    );
    const apart = isApart(strategy) && { region: { name: region, others } };
    const acks = replicasOf(options);
    const { onFailure } = options;
    const failing = onFailure !== 'closed' && { onFailure };
    return createLimiter({ strategy, policy, prefix, nowMs, redis, ...apart, ...acks, ...failing });
  }
  if (options.onFailure !== 'closed')
    throw new OpenclawError('INVALID_OPTION', 'what a plug-in answers on a failure is its own to say', {
      hint: 'leave out --on-failure',
    });
  if (options.decisionIds || options.evidence)
    throw new OpenclawError('INVALID_OPTION', 'a plug-in has neither decision ids nor evidence to show', {
      hint: 'leave out --decision-ids and --evidence',
    });
  const file = resolve(cwd, options.limiter);
  const { started, release } = await startPlugin(file, environment, () =>
    openPlugin(file, { policy, redis, region, prefix, nowMs }),
  );
  return { ...started, close: () => started.close().finally(release) };
}

function replicasOf({ strategy, replicas }: RatingOptions): { readonly replicas?: number } {
  const without = strategy === 'lease' ? '--strategy lease-unacked' : '--strategy central';
  if (isAcked(strategy) && replicas === 0)
    throw new OpenclawError(
      'INVALID_OPTION',
      `strategy ${strategy} waits for replicas, and is told of none`,
      {
        hint: `use ${without}, which waits for none`,
      },
    );
  if (isAcked(strategy) === (replicas !== undefined)) return replicas === undefined ? {} : { replicas };
  throw new OpenclawError(
    'INVALID_OPTION',
    isAcked(strategy)
      ? `strategy ${strategy} waits for replicas, and must be told how many there are`
      : `--replicas is of no use with strategy ${strategy}: it waits for none`,
    { hint: isAcked(strategy) ? `give --replicas, or ${without}` : 'leave it out' },
  );
}

function changeableClock({ host }: ListenOptions): ServiceClock {
  if (isLoopback(host)) return new ServiceClock();
  throw new OpenclawError(
    'INVALID_OPTION',
    `--allow-clock-change is for a service on loopback; found --host ${quoted(host)}`,
  );
}

/** One line a second at most: a Redis that is gone fails every request. */
function logOnceASecond(environment: Environment): (error: unknown) => void {
  let quietUntilMs = 0;
  return (error) => {
    if (performance.now() < quietUntilMs) return;
    quietUntilMs = performance.now() + 1_000;
    const why =
      error instanceof OpenclawError ? `${error.message} [${error.code}]` : printable(String(error));
    environment.log(`cannot decide: ${why}\n`);
  };
}

function collectAddress(url: string, sofar: string[] = []): string[] {
  refusePassword(url);
  return [...sofar, url];
}

function collectOther(text: string, sofar: Readonly<Record<string, string>>): Record<string, string> {
  const [, region, url = ''] = /^([A-Za-z0-9-]+)=(.+)$/.exec(text) ?? [];
  if (region === undefined) throw new InvalidArgumentError('Expected region=redis://host:port.');
  refusePassword(url);
  return { ...sofar, [region]: url };
}

interface RatingOptions extends ListenOptions, LimiterFlags, MetricsFlag {
  readonly redis: string[];
  readonly other: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly onFailure: FailurePolicy;
  readonly cluster?: true;
  readonly prefix: string;
  readonly timeout: number;
  readonly evidence: boolean;
  readonly decisionIds: boolean;
  readonly allowClockChange: boolean;
}

const RATING_EXAMPLES = `
A password comes by the environment: REDIS_PASSWORD, and REDIS_USERNAME where there is one.

Examples:
  $ openclaw-rl serve rating --redis redis://127.0.0.1:6379 --policy 100:10/s
  $ curl -i -H 'content-type: application/json' -H 'x-openclaw-user: ada' \\
      -d '{"item": "paper-1", "score": 5}' http://127.0.0.1:8080/v1/ratings
  $ openclaw-rl serve rating --redis redis://127.0.0.1:6379 --policy 20:5/s --limiter ./mine.mjs`;

function gatewayCommand(environment: Environment): Command {
  return listening(new Command('gateway'))
    .description('A gateway in front of a Rating service: passes each request on, and charges it once.')
    .requiredOption('--upstream <url>', 'http://host:port of the Rating service', parsedBy(parseUpstream))
    .option(
      '--fail-over <url...>',
      'Rating services of other regions, started with --decision-ids as that one, asked in this order where it cannot decide',
      collectUpstream,
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ openclaw-rl serve gateway --port 8081 --upstream http://127.0.0.1:8080',
    )
    .action(async (options: ListenOptions & { upstream: string; failOver?: string[] }) => {
      const { createGateway } = await import('../../rating/gateway.ts');
      await serve(createGateway(options), options, environment);
    });
}

function collectUpstream(url: string, sofar: string[] = []): string[] {
  return [...sofar, parsedBy(parseUpstream)(url)];
}

function parseUpstream(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.pathname === '/' && url.search === '') return url.origin;
  throw new OpenclawError('INVALID_OPTION', 'expected http://host:port');
}

/** What a service and a gateway have in common. */
interface App {
  readonly server: Pick<Server, 'closeAllConnections'>;
  listen(where: { readonly host: string; readonly port: number }): Promise<string>;
  close(): PromiseLike<unknown>;
}

/** Listens, says where, and ends on a signal. */
async function serve(app: App, options: ListenOptions, environment: Environment): Promise<void> {
  const address = await app
    .listen({ host: options.host, port: options.port })
    .catch(async (error: NodeJS.ErrnoException) => {
      await app.close();
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        `cannot listen on ${options.host}:${options.port}: ${error.code}`,
        {
          hint: 'choose another port with --port, or 0 for a free one',
        },
      );
    });
  environment.out(`listening on ${address}\n`);
  await environment.interrupted();
  app.server.closeAllConnections();
  await app.close();
}
