import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenclawError } from '../core/errors.ts';
import { type LocalProcess, startProcess } from '../regions/local/process.ts';
import type { RegionView } from '../regions/provider.ts';
import type { Cleanup } from './cleanup.ts';

/** How to start this program again as a child: the interpreter and the script. */
export type SelfCommand = readonly [command: string, ...args: string[]];

export interface ServiceOptions {
  readonly self: SelfCommand;
  readonly env: Readonly<Record<string, string>>;
  /** The region it is in, and how a client there sees the cluster. */
  readonly view: RegionView;
  readonly strategy: string;
  readonly policy: string;
  readonly prefix: string;
  readonly logs: string;
  readonly cleanup: Cleanup;
}

const START_MS = 20_000;

/** Starts the Rating service of a region and its gateway, each a process; gives the gateway's address. */
export async function startRegion(options: ServiceOptions): Promise<string> {
  const { view, strategy, policy, prefix } = options;
  const { region, localAddress, seeds } = view;
  const redis = seeds.flatMap(({ host, port }) => ['--redis', `redis://${host}:${port}`]);
  const place = localAddress === undefined ? [] : ['--local-address', localAddress, '--host', localAddress];
  const limiter = [...redis, '--cluster', '--strategy', strategy, '--policy', policy, '--prefix', prefix];
  const upstream = await startService(options, 'rating', [
    'rating',
    '--region',
    region,
    ...limiter,
    ...place,
    '--evidence',
  ]);
  return startService(options, 'gateway', ['gateway', '--region', region, ...place, '--upstream', upstream]);
}

async function startService(
  { self, env, view, logs, cleanup }: ServiceOptions,
  role: string,
  args: readonly string[],
): Promise<string> {
  const name = `${role}-${view.region}`;
  const [command, ...script] = self;
  const process = await startProcess({
    name,
    command,
    args: [...script, 'serve', ...args, '--port', '0'],
    env,
    logFile: join(logs, `${name}.log`),
  });
  cleanup.add(`stop ${name}`, () => process.stop());
  return waitForAddress(process);
}

/** A service writes the address it listens on into its log as soon as it can be used. */
async function waitForAddress(process: LocalProcess): Promise<string> {
  let how: string | undefined;
  void process.ended.then((sentence) => {
    how = sentence;
  });
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await pause()) {
    const log = await readFile(process.logFile, 'utf8');
    const [address] = /http:\/\/\S+/.exec(log) ?? [];
    if (address !== undefined) return address;
    if (how !== undefined) throw new OpenclawError('ENVIRONMENT_FAILED', `${how}: ${log.trim().slice(-300)}`);
  }
  throw new OpenclawError(
    'ENVIRONMENT_FAILED',
    `${process.name} did not start within ${START_MS / 1_000} s; its log: ${process.logFile}`,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
