import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { isAcked, isApart } from '../limiter/create.ts';
import { type FailurePolicy, formatFailurePolicy } from '../limiter/failure-policy.ts';
import { refusalIn } from '../limiter/plugin-error.ts';
import type { SelfCommand } from '../regions/local/toxiproxy-process.ts';
import { type LocalProcess, startProcess } from '../regions/processes/process.ts';
import type { Endpoint, Regions, RegionView, ServicePlace, ServiceRole } from '../regions/provider.ts';
import { until } from '../regions/until.ts';
import type { Cleanup } from './cleanup.ts';

export interface ServiceOptions {
  readonly self: SelfCommand;
  /** Of the program that starts each: a service in a container has its image's, and nothing of this. */
  readonly env: Readonly<Record<string, string>>;
  /** The region it is in, and how a client there sees the cluster. */
  readonly view: RegionView;
  /** Where its services run; default: as processes of this machine, by the local address of the view. */
  readonly place?: NonNullable<Regions['place']>;
  /** Of regions apart: the Redis of each other region, as the cluster calls it. */
  readonly others: Readonly<Record<string, Endpoint>>;
  readonly strategy: string;
  /** The file of a plug-in, absolute, instead of the strategy. */
  readonly limiter?: string;
  /** Of each primary: what a strategy that waits for replicas is told. */
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
  const { localAddress, seeds } = view;
  const redis = seeds.flatMap(({ host, port }) => ['--redis', `redis://${host}:${port}`]);
  const from = localAddress === undefined ? [] : ['--local-address', localAddress];
  const apart = Object.entries(others).flatMap(([region, { host, port }]) => [
    '--other',
    `${region}=redis://${host}:${port}`,
  ]);
  const where = isApart(strategy) ? [...redis, ...apart] : [...redis, '--cluster'];
  const onFailure = ['--on-failure', formatFailurePolicy(options.onFailure)];
  const decides =
    options.limiter === undefined
      ? ['--strategy', strategy, '--evidence', ...onFailure]
      : ['--limiter', options.limiter];
  const acks = isAcked(strategy) ? ['--replicas', String(options.replicas)] : [];
  const limiter = [...where, ...decides, ...acks, '--policy', policy, '--prefix', prefix];
  const rating = await startService(options, 'rating', [...limiter, ...from, '--allow-clock-change']);
  const gateway = await startService(options, 'gateway', [...from, '--upstream', rating.inside]);
  return { gateway: gateway.reached, rating: rating.reached };
}

/** Where a service is for others in its region, and for this machine. */
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
  cleanup.add(`stop ${name}`, async () => {
    wanted = false;
    await process.stop();
    await placed.stop?.();
  });
  void process.ended.then((how) => {
    if (!wanted) return;
    onDeath([how, whyRefused(process.logFile)].filter((part) => part !== undefined).join(': '));
  });
  const inside = await waitForAddress(process, signal);
  return { inside, reached: reached ?? inside };
}

function placeHere({ self, view }: Pick<ServiceOptions, 'self' | 'view'>) {
  const [command, ...script] = self;
  const { localAddress: host = '127.0.0.1' } = view;
  return async (): Promise<ServicePlace> => ({ node: [command], script, listen: { host, port: 0 } });
}

/** What the plug-in of a service did to it, where that is in its log. */
function whyRefused(logFile: string): string | undefined {
  try {
    return refusalIn(readFileSync(logFile, 'utf8'))?.message;
  } catch {
    return undefined; // without its log the death is told all the same
  }
}

/** A service writes the address it listens on into its log as soon as it can be used. */
async function waitForAddress(process: LocalProcess, signal: AbortSignal): Promise<string> {
  let how: string | undefined;
  void process.ended.then((sentence) => {
    how = sentence;
  });
  let address: string | undefined;
  await until(`${process.name} to listen`, START_MS, signal, async () => {
    const log = await readFile(process.logFile, 'utf8');
    address = /listening on (http:\/\/\S+)/.exec(log)?.[1];
    const refusal = refusalIn(log);
    if (address === undefined && refusal !== undefined) throw refusal;
    if (address === undefined && how !== undefined)
      throw new OpenclawError('ENVIRONMENT_FAILED', `${how}: ${log.trim().slice(-300)}`);
    return address === undefined ? `its log: ${process.logFile}` : undefined;
  });
  return address ?? '';
}
