import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { OpenclawError, printable } from '../../core/errors.ts';
import { formatPolicy, parsePolicy } from '../../core/policy.ts';
import { type InspectTarget, inspect } from '../../limiter/inspect.ts';
import { connectInspector, type InspectPort } from '../../limiter/inspect-port.ts';
import { bucketKey, checkPrefix, DEFAULT_PREFIX } from '../../limiter/key.ts';
import type { Policies } from '../../limiter/stored.ts';
import type { ClusterState } from '../../regions/cluster-state.ts';
import { announcedAddress, type Regions } from '../../regions/provider.ts';
import { clusterStore, DEFAULT_CLUSTER, openCluster } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import {
  type Inspected,
  type Origin,
  renderInspection,
  renderInspectionJson,
  renderInspectionLine,
} from '../inspect-table.ts';
import { openLiveScreen } from '../live-screen.ts';
import { parsedBy, refusePassword } from '../options.ts';
import type { Terminal } from '../terminal.ts';

const DEFAULT_POLICIES: Policies = [parsePolicy('20:5/s')];
const WATCH_MS = 1_000;
const readPolicy = parsedBy(parsePolicy);

interface Flags {
  readonly endpoint: string;
  readonly policy?: Policies;
  readonly prefix?: string;
  readonly name: string;
  readonly cluster?: URL;
  readonly ca?: string;
  readonly insecure?: true;
  readonly watch: boolean;
  readonly json: boolean;
}

export function inspectCommand(environment: Environment): Command {
  return new Command('inspect')
    .description("Show one user's bucket, every copy of it, and what a take would answer now; takes nothing.")
    .argument('<user>', 'whose bucket')
    .option('--endpoint <name>', 'of which endpoint', 'ratings')
    .option(
      '--policy <capacity:rate>',
      'as the limiter has it, again for each more of its policies (default: that of the last run, else 20:5/s)',
      (text: string, before?: Policies): Policies => {
        const policy = readPolicy(text);
        return before === undefined ? [policy] : [...before, policy];
      },
    )
    .option(
      '--prefix <text>',
      `what every key starts with (default: that of the last run, else ${DEFAULT_PREFIX})`,
      parsedBy(checkPrefix),
    )
    .option('--name <name>', 'the name of a cluster of `up`', DEFAULT_CLUSTER)
    .addOption(
      new Option('--cluster <url>', 'any node of any cluster, or a server: redis[s]://[user@]host:port')
        .argParser(parseClusterUrl)
        .conflicts('name'),
    )
    .option('--ca <file>', 'with rediss://: the authority of its certificate, in PEM')
    .option('--insecure', 'with rediss://: accept any certificate')
    .option('--watch', 'again every second, until Ctrl-C', false)
    .option('--json', 'print one JSON document; with --watch, one a line', false)
    .addHelpText('after', EXAMPLES)
    .action(async (user: string, flags: Flags) => {
      const read = await prepare(environment, user, flags);
      if (flags.watch) return watch(environment, read, flags.json);
      const inspected = await read();
      environment.out(
        flags.json
          ? renderInspectionJson(inspected, 2)
          : renderInspection(inspected, { colour: environment.colourOut }),
      );
    });
}

const EXAMPLES = `
It only reads: HMGET, PTTL, TIME, ROLE, INFO, CLUSTER. Replies are waited for at most 1 s.
A password comes by the environment: REDIS_PASSWORD, and REDIS_USERNAME where there is one.

Examples:
  $ openclaw-rl inspect ada --policy 20:5/s
  $ openclaw-rl inspect ada --watch
  $ REDIS_PASSWORD=... openclaw-rl inspect ada --cluster rediss://limiter@redis.example.com:6379 --json | jq .takes`;

/** Everything that is the same at each look; throws for what was typed wrongly before anything is sent. */
async function prepare(
  environment: Environment,
  user: string,
  flags: Flags,
): Promise<() => Promise<Inspected>> {
  const { cluster, name, endpoint } = flags;
  if (cluster?.protocol !== 'rediss:' && (flags.ca !== undefined || flags.insecure))
    throw new OpenclawError('INVALID_OPTION', '--ca and --insecure are for --cluster rediss://host:port');
  bucketKey(DEFAULT_PREFIX, { user, endpoint });
  const found = cluster === undefined ? await openCluster(clusterStore(environment), name) : undefined;
  const policies = pick(flags.policy, lastPolicies(found?.state), DEFAULT_POLICIES);
  const prefix = pick(flags.prefix, found?.state.lastRun?.prefix, DEFAULT_PREFIX);
  const key = bucketKey(prefix.value, { user, endpoint });
  const port = cluster === undefined ? connectInspector({}) : connectTo(environment, cluster, flags);
  const place = cluster === undefined ? found && regionalPlace(found.regions) : singlePlace(cluster);
  const target = { key, policies: policies.value, seeds: [], views: [], ...place };
  return async () => ({
    user,
    endpoint,
    cluster: cluster === undefined ? `cluster ${name}` : cluster.host,
    policy: { text: policies.value.map(formatPolicy).join(', '), from: policies.from },
    prefix: { text: prefix.value, from: prefix.from },
    ...(await inspect(port, target).catch((error: unknown) => {
      throw found === undefined ? error : nobodyAnswers(error, name);
    })),
  });
}

/** Of a cluster of `up`, the way out is not to look for a server but to start it again. */
function nobodyAnswers(error: unknown, name: string): unknown {
  if (!(error instanceof OpenclawError)) return error;
  return new OpenclawError(error.code, `no node of cluster ${name} answers: ${error.message}`, {
    cause: error,
    hint: `start it again (it is no error when it is up): openclaw-rl up --name ${name}`,
  });
}

function pick<T>(given: T | undefined, last: T | undefined, otherwise: T): { value: T; from: Origin } {
  if (given !== undefined) return { value: given, from: 'option' };
  return last === undefined ? { value: otherwise, from: 'default' } : { value: last, from: 'last run' };
}

function lastPolicies(state: ClusterState | undefined): Policies | undefined {
  return state?.lastRun && [parsePolicy(state.lastRun.policy)];
}

type InspectPlace = Pick<InspectTarget, 'seeds' | 'views' | 'know'>;

/** A cluster over regions: its nodes are read past every fault, and takes go as its regions' clients go. */
function regionalPlace(regions: Regions): InspectPlace {
  const { nodes } = regions.topology;
  const known = new Map(
    nodes.map(({ name, region }) => [
      announcedAddress(regions, name),
      { node: name, region, direct: regions.direct(name) },
    ]),
  );
  return {
    seeds: nodes.map(({ name }) => regions.announced(name)),
    views: regions.topology.regions.map((region) => regions.view(region)),
    know: (address) => known.get(address) ?? {},
  };
}

function singlePlace({ hostname, port }: URL): InspectPlace {
  const seed = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 6379 : Number(port) };
  return { seeds: [seed], views: [{ seeds: [seed] }] };
}

function connectTo({ env }: Environment, url: URL, { ca, insecure }: Flags): InspectPort {
  const username = decodeURIComponent(url.username) || env.REDIS_USERNAME;
  const password = env.REDIS_PASSWORD;
  if (username && !password)
    throw new OpenclawError('INVALID_OPTION', 'a user name needs a password', {
      hint: 'put it into REDIS_PASSWORD',
    });
  return connectInspector({
    ...(username && { username }),
    ...(password && { password }),
    ...(url.protocol === 'rediss:' && {
      tls: { ...(ca !== undefined && { caFile: ca }), insecure: insecure === true },
    }),
  });
}

function parseClusterUrl(text: string): URL {
  refusePassword(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && ['', '/', '/0'].includes(url.pathname) && url.search === '';
  if (isPlain && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && isDecodable(url.username))
    return url;
  throw new OpenclawError('INVALID_OPTION', '--cluster is written redis[s]://[user@]host:port');
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** How a watch shows what it has read. */
interface WatchOutput {
  show(inspected: Inspected): void;
  /** What failed may come back. */
  fail(sentence: string): void;
  close(): void;
}

/** Until Ctrl-C, which is how it is meant to end. What fails after a first success may come back: it goes on. */
async function watch(environment: Environment, read: () => Promise<Inspected>, json: boolean): Promise<void> {
  const { interrupt, terminals } = environment;
  const startedMs = performance.now();
  const first = await read();
  const output =
    json || terminals.out === undefined
      ? linesOf(environment, json)
      : screenOf(environment, terminals.out, first);
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

/** Redrawn in place; the last reading stays when it is closed. */
function screenOf(environment: Environment, terminal: Terminal, first: Inspected): WatchOutput {
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
