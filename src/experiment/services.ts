import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentFailed, OpenclawError } from '../core/errors.ts';
import { traitsOf } from '../core/strategies.ts';
import { type FailurePolicy, formatFailurePolicy } from '../limiter/wrappers/failure-policy.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import { parseAnswer } from '../regions/processes/answer.ts';
import { type LocalProcess, startProcess } from '../regions/processes/process.ts';
import type { Endpoint, Regions, RegionView, ServicePlace, ServiceRole } from '../regions/provider.ts';
import { waitFor } from '../regions/waiting.ts';
import type { Cleanup } from './cleanup.ts';

export interface ServiceOptions {
  readonly self: SelfCommand;
  /** The environment of each process; a service in a container has that of its image instead. */
  readonly env: Readonly<Record<string, string>>;
  /** The region of the services, and how a client there sees the cluster. */
  readonly view: RegionView;
  /** Where the services run. Default: processes of this machine, with the local address of the view. */
  readonly place?: NonNullable<Regions['place']>;
  /** For a strategy with `perRegionBucket`: the Redis of each other region, by the cluster's address for it. */
  readonly others: Readonly<Record<string, Endpoint>>;
  readonly strategy: string;
  /** The file of a plug-in, absolute, instead of the strategy. */
  readonly limiter?: string;
  /** Replicas of each primary, for a strategy that waits for them. */
  readonly replicas: number;
  readonly onFailure: FailurePolicy;
  readonly policy: string;
  readonly prefix: string;
  readonly logs: string;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  /** Called with a sentence when one ends before it was stopped. */
  readonly onDeath: (how: string) => void;
}

/** Where the two services of a region listen. */
export interface RegionServices {
  readonly gateway: string;
  readonly rating: string;
}

const START_MS = 20_000;

/**
 * Megabytes. With V8's 16 a thousand requests in flight outlive a collection and are copied, and a tenth of a
 * service's time is spent on that.
 */
const YOUNG_SPACE = '--max-semi-space-size=64';

/** Starts the Rating service of a region and its gateway, each a process in the region's view of the network. */
export async function startRegion(options: ServiceOptions): Promise<RegionServices> {
  const { view, others, strategy, policy, prefix } = options;
  const { localAddress } = view;
  const from = localAddress === undefined ? [] : ['--local-address', localAddress];
  const elsewhere = Object.entries(others).flatMap(([region, { host, port }]) => [
    '--other',
    `${region}=redis://${host}:${port}`,
  ]);
  const { perRegionBucket, waitsForReplicas } = traitsOf(strategy);
  const where = [...redisFlags(view), ...(perRegionBucket ? elsewhere : kindFlags(view))];
  const onFailure = ['--on-failure', formatFailurePolicy(options.onFailure)];
  const decides =
    options.limiter === undefined
      ? ['--strategy', strategy, '--evidence', ...onFailure]
      : ['--limiter', options.limiter];
  const acks = waitsForReplicas ? ['--replicas', String(options.replicas)] : [];
  const limiter = [...where, ...decides, ...acks, '--policy', policy, '--prefix', prefix];
  const rating = await startService(options, 'rating', [...limiter, ...from, '--allow-clock-change']);
  const gateway = await startService(options, 'gateway', [...from, '--upstream', rating.inside]);
  return { gateway: gateway.reached, rating: rating.reached };
}

function redisFlags({ seeds, external }: RegionView): string[] {
  const { ca, serverName, insecure } = external?.tls ?? {};
  const scheme = external?.tls === undefined ? 'redis' : 'rediss';
  return [
    ...seeds.flatMap(({ host, port }) => [
      '--redis',
      `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ]),
    ...(ca === undefined ? [] : ['--ca', ca]),
    ...(serverName === undefined ? [] : ['--tls-name', serverName]),
    ...(insecure ? ['--insecure'] : []),
  ];
}

/** How the service finds the server of a key. */
function kindFlags({ external: { kind, primary = '' } = { kind: 'cluster' } }: RegionView): string[] {
  if (kind === 'sentinel') return ['--sentinel', primary];
  return kind === 'cluster' ? ['--cluster'] : [];
}

/** The address of a service within its region, and from this machine. */
interface ServiceAddress {
  readonly inside: string;
  readonly reached: string;
}

async function startService(
  options: ServiceOptions,
  role: ServiceRole,
  args: readonly string[],
): Promise<ServiceAddress> {
  const { env, view, logs, cleanup, signal, onDeath, place = placeHere(options) } = options;
  const name = `${role}-${view.region}`;
  const placed = await place(view.region, role, signal);
  const { node, script, listen, reached } = placed;
  const [command, ...before] = node;
  const where = ['--region', view.region, '--host', listen.host, '--port', String(listen.port)];
  const process = await startProcess({
    name,
    command,
    args: [...before, YOUNG_SPACE, ...script, 'serve', role, ...where, ...args],
    env: { ...env, ...placed.env },
    logFile: join(logs, `${name}.log`),
  });
  let wanted = true;
  const stop = async () => {
    wanted = false;
    await process.stop();
    await placed.stop?.();
  };
  cleanup.add(`stop ${name}`, stop, process.kill);
  void process.ended.then((how) => {
    if (!wanted) return;
    onDeath([how, process.answer().refused?.message].filter((part) => part !== undefined).join(': '));
  });
  const inside = await waitForAddress(process, placed, signal);
  return { inside, reached: reached ?? inside };
}

function placeHere({ self, view }: Pick<ServiceOptions, 'self' | 'view'>) {
  const [command, ...script] = self;
  const { localAddress: host = '127.0.0.1' } = view;
  return async (): Promise<ServicePlace> => ({ node: [command], script, listen: { host, port: 0 } });
}

/** Waits for a service to report the address it listens on. */
async function waitForAddress(
  process: LocalProcess,
  { answersInLog }: ServicePlace,
  signal: AbortSignal,
): Promise<string> {
  let how: string | undefined;
  void process.ended.then((sentence) => {
    how = sentence;
  });
  let address: string | undefined;
  await waitFor(`${process.name} to listen`, START_MS, signal, async () => {
    const log = await readFile(process.logFile, 'utf8');
    const { ready, refused } = answersInLog === true ? parseAnswer(log) : process.answer();
    address = ready?.address;
    if (address !== undefined) return undefined;
    if (refused !== undefined) throw new OpenclawError(refused.code, refused.message, refused);
    if (how !== undefined) throw environmentFailed(`${how}: ${log.trim().slice(-300)}`);
    return `its log: ${process.logFile}`;
  });
  return address ?? '';
}
