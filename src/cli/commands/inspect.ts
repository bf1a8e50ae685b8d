import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { formatPolicies, type NamedPolicy, parseNamed, parsePolicies } from '../../core/policies.ts';
import { printable } from '../../core/printable.ts';
import type { HomesTable } from '../../limiter/homes/table.ts';
import { inspect } from '../../limiter/inspect/inspect.ts';
import { bucketKey, checkPrefix, DEFAULT_PREFIX } from '../../limiter/options/key.ts';
import { ENDPOINT } from '../../rating/endpoint.ts';
import type { ClusterState } from '../../regions/store/cluster-state.ts';
import { DEFAULT_POLICY } from '../../scenario/defaults.ts';
import { readHomesFile } from '../files/read-homes.ts';
import { DEFAULT_CLUSTER } from '../flags/cluster-flags.ts';
import { endpointsOption } from '../flags/endpoints-flag.ts';
import { findHome, lookAtHome } from '../flags/inspect-home.ts';
import { checkTlsFlags, openPlace, type PlaceFlags, parseClusterUrl } from '../flags/inspect-place.ts';
import { parsedBy } from '../flags/options.ts';
import { tlsOptions } from '../flags/redis-options.ts';
import {
  type Inspected,
  type Origin,
  renderInspection,
  renderInspectionJson,
  renderInspectionLine,
} from '../output/inspect-table.ts';
import type { Environment } from '../process/environment.ts';
import type { Terminal } from '../process/terminal.ts';
import { openLiveScreen } from '../screen/live-screen.ts';

type Policies = readonly [NamedPolicy, ...NamedPolicy[]];

const DEFAULT_POLICIES: Policies = [parseNamed(DEFAULT_POLICY)];
const WATCH_MS = 1_000;
const readPolicy = parsedBy(parseNamed);

interface Flags extends PlaceFlags {
  readonly endpoint?: string;
  readonly policy?: Policies;
  readonly prefix?: string;
  readonly homes?: string;
  readonly home?: string;
  readonly watch: boolean;
  readonly json: boolean;
}

export function inspectCommand(environment: Environment): Command {
  return tlsOptions(new Command('inspect'))
    .description("Show every copy of a user's bucket, and what a take would answer now; takes nothing.")
    .argument('<user>', 'the user')
    .option('--endpoint <name>', `the endpoint (default: ${ENDPOINT})`)
    .option(
      '--policy <[name=]capacity:rate>',
      `policy of the limiter; repeatable, in its order (default: that of the last run, else ${DEFAULT_POLICY})`,
      (text: string, before?: Policies): Policies => {
        const policy = readPolicy(text);
        return before === undefined ? [policy] : [...before, policy];
      },
    )
    .option(
      '--prefix <text>',
      `prefix of all keys (default: that of the last run, else ${DEFAULT_PREFIX})`,
      parsedBy(checkPrefix),
    )
    .option('--homes <file>', 'homes table of the limiter (default: that of the last run, if it had one)')
    .option(
      '--home <region>',
      "home of the user (default: the region before the first dot of the user's name)",
    )
    .option('--name <name>', 'name of a cluster of `up`', DEFAULT_CLUSTER)
    .addOption(
      new Option('--cluster <url>', 'a node of another cluster, or a server: redis[s]://[user@]host:port')
        .argParser(parseClusterUrl)
        .conflicts('name'),
    )
    .addOption(
      endpointsOption('or every node of your own Redis, by the addresses in this file').conflicts([
        'name',
        'cluster',
      ]),
    )
    .option('--watch', 'repeat every second until Ctrl-C', false)
    .option('--json', 'print one JSON document; with --watch, one a line', false)
    .addHelpText('after', EXAMPLES)
    .action(async (user: string, flags: Flags) => {
      const read = await prepare(environment, user, flags);
      if (flags.watch) return watch(environment, read, flags.json);
      const inspected = await read();
      environment.out(
        flags.json ? renderInspectionJson(inspected, 2) : renderInspection(inspected, environment.look),
      );
    });
}

const EXAMPLES = `
Commands sent: HMGET, PTTL, TIME, ROLE, INFO, CLUSTER; to Sentinels: SENTINEL.
Timeout: 1 s.
The password is read from REDIS_PASSWORD, the user name from REDIS_USERNAME.

Examples:
  $ openclaw-rl inspect ada --policy 20:5/s
  $ openclaw-rl inspect ada --watch
  $ openclaw-rl inspect ada --policy 20:5/s --endpoints endpoints.yaml
  # a bucket at home
  $ openclaw-rl inspect ada --homes homes.json --home eu-west
  $ REDIS_PASSWORD=... openclaw-rl inspect ada --json \\
      --cluster rediss://limiter@redis.example.com:6379 | jq .takes`;

/** Makes the function that reads once. Throws INVALID_OPTION before anything is sent. */
async function prepare(
  environment: Environment,
  user: string,
  flags: Flags,
): Promise<() => Promise<Inspected>> {
  const { name } = flags;
  const { value: endpoint, from: endpointFrom } = pick(flags.endpoint, undefined, ENDPOINT);
  checkTlsFlags(flags);
  const subject = { user, endpoint };
  bucketKey(DEFAULT_PREFIX, subject);
  const ofFile = flags.homes === undefined ? undefined : await readHomesFile(flags.homes, environment);
  const { state, ...place } = await openPlace(flags, environment);
  const policies = pick(flags.policy, lastPolicies(state), DEFAULT_POLICIES);
  const prefix = pick(flags.prefix, state?.lastRun?.prefix, DEFAULT_PREFIX);
  const table = ofFile ?? (state?.lastRun?.homes as HomesTable | undefined);
  const home = findHome(subject, { table, home: flags.home, prefix: prefix.value });
  const key = home?.key ?? bucketKey(prefix.value, subject);
  const [first, ...others] = policies.value;
  const target = {
    key,
    policies: [first.policy, ...others.map(({ policy }) => policy)] as const,
    ...place.nodes,
  };
  const read = () =>
    inspect(place.port, target).catch((error: unknown) => {
      throw state === undefined ? error : clusterSilent(error, name);
    });
  return async () => {
    const inspection = await read();
    return {
      user,
      endpoint,
      endpointFrom,
      cluster: place.title,
      policy: { text: formatPolicies(policies.value), from: policies.from },
      prefix: { text: prefix.value, from: prefix.from },
      ...(table && { home: lookAtHome(home, inspection) }),
      ...inspection,
    };
  };
}

/** The same error with the hint for a cluster of `up`: start it again. */
function clusterSilent(error: unknown, name: string): unknown {
  if (!(error instanceof OpenclawError)) return error;
  return new OpenclawError(error.code, `no node of cluster ${name} answers: ${error.message}`, {
    cause: error,
    hint: `start it again (safe if it is up): openclaw-rl up --name ${name}`,
  });
}

function pick<T>(given: T | undefined, last: T | undefined, otherwise: T): { value: T; from: Origin } {
  if (given !== undefined) return { value: given, from: 'option' };
  return last === undefined ? { value: otherwise, from: 'default' } : { value: last, from: 'last run' };
}

function lastPolicies(state: ClusterState | undefined): Policies | undefined {
  const [first, ...others] = state?.lastRun ? parsePolicies(state.lastRun.policy) : [];
  return first && [first, ...others];
}

/** How a watch shows its readings. */
interface WatchOutput {
  show(inspected: Inspected): void;
  /** A reading failed; the next may succeed. */
  fail(sentence: string): void;
  close(): void;
}

/** Reads until Ctrl-C. The first reading throws; later failures are shown, and the watch continues. */
async function watch(environment: Environment, read: () => Promise<Inspected>, json: boolean): Promise<void> {
  const { interrupt, terminals } = environment;
  const startedMs = performance.now();
  const first = await read();
  const output =
    json || terminals.out === undefined
      ? linesOf(environment, json)
      : openScreen(environment, terminals.out, first);
  output.show(first);
  try {
    for (let nextMs = startedMs + WATCH_MS; ; nextMs = Math.max(nextMs + WATCH_MS, performance.now())) {
      await sleep(Math.max(0, nextMs - performance.now()), undefined, { signal: interrupt }).catch(() => {});
      if (interrupt.aborted) return;
      await read().then(output.show, (error: unknown) => {
        if (!(error instanceof OpenclawError)) throw error;
        output.fail(`${error.message} [${error.code}]`);
      });
    }
  } finally {
    output.close();
  }
}

function linesOf(environment: Environment, json: boolean): WatchOutput {
  const now = () => new Date().toISOString();
  return {
    show: (inspected) =>
      environment.out(json ? renderInspectionJson(inspected) : renderInspectionLine(inspected, now())),
    fail: (sentence) => environment.log(`${now()} ${printable(sentence)}\n`),
    close: () => {},
  };
}

/** Redrawn in place; on close the last reading is printed. */
function openScreen(environment: Environment, terminal: Terminal, first: Inspected): WatchOutput {
  let inspected = first;
  let failure: string | undefined;
  let time = new Date().toISOString();
  const lines = () => renderInspection(inspected, terminal).trimEnd().split('\n');
  const screen = openLiveScreen(environment, terminal, ({ rows }, notes) => {
    const head = [`${time}${failure === undefined ? '' : `  ${printable(failure)}`}`, ...notes.slice(-2)];
    const [room, all] = [rows - head.length, lines()];
    const cut = all.length - room + 1;
    return [...head, ...(all.length <= room ? all : [...all.slice(0, room - 1), `... ${cut} more lines`])];
  });
  const update = () => {
    time = new Date().toISOString();
    screen.refresh();
  };
  return {
    show(next) {
      inspected = next;
      failure = undefined;
      update();
    },
    fail(sentence) {
      failure = sentence;
      update();
    },
    close() {
      screen.close();
      environment.out(`${[time, ...lines()].join('\n')}\n`);
    },
  };
}
