import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { listOwned } from '../../src/regions/processes/owned-processes.ts';
import { runCli, startCli } from './cli.ts';

/** The processes of all clusters in the state folder of a test. */
export function ownedIn(folder: string): { pid: number; role: string; cluster: string }[] {
  return listOwned().filter(({ cluster }) => cluster.startsWith(join(folder, 'state')));
}

/** The second octet of a cluster's addresses, while it has a state file. */
export function octetOf(folder: string, name = 'default'): number | undefined {
  return readOctet(join(folder, 'state/clusters', name));
}

/**
 * The listeners on 127.<octet>.* as `address:port`, without those of other clusters: another may have taken the octet,
 * and its services end after its state file is gone.
 */
function listenersOn(octet: number, folder: string): string[] {
  const others = listOwned().filter(({ cluster }) => !cluster.startsWith(join(folder, 'state')));
  if (others.some(({ cluster }) => readOctet(cluster) === octet)) return [];
  const sockets = new Set(others.flatMap(({ pid }) => socketsOf(pid)));
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode = '']) => state === LISTEN && !sockets.has(`socket:[${inode}]`))
    .map(([, local = '']) => Buffer.from(local.slice(0, 8), 'hex').reverse().join('.') + local.slice(8))
    .filter((address) => address.startsWith(`127.${octet}.`) && !address.startsWith(`127.${octet}.0.`));
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it ended while we looked
  }
}

const LISTEN = '0A';

/** Waits until nothing of a test is left: no process by its mark, no listener, no state file. Gives what is. */
export async function findLeftovers(folder: string, octet: number | undefined): Promise<string[]> {
  const look = () => [
    ...ownedIn(folder).map(({ pid, role }) => `process ${pid} ${role}`),
    ...(octet === undefined ? [] : listenersOn(octet, folder).map((address) => `listener ${address}`)),
    ...(existsSync(join(folder, 'state/clusters/default')) ? ['state of default'] : []),
  ];
  return leftAfter(look, { timeout: 3_000 });
}

/** Looks until nothing is left, or the time is over; gives what was seen last. A later look could see another test's. */
export async function leftAfter<Left>(
  look: () => Left[] | Promise<Left[]>,
  options: { readonly timeout: number; readonly interval?: number },
): Promise<Left[]> {
  let left: Left[] = [];
  const isNothingLeft = async () => {
    left = await look();
    return left.length === 0;
  };
  await vi.waitUntil(isNothingLeft, options).catch(() => {});
  return left;
}

export interface KillRound {
  readonly afterMs: number;
  /** What it was about when it was killed, and how many processes there were. */
  readonly last: string;
  readonly processes: number;
  readonly left: readonly string[];
}

/** `up`, SIGKILL of the program after a time, `down`. */
export async function killDuringUp(folder: string, server: string, afterMs: number): Promise<KillRound> {
  const { child, output, ended } = startCli(['up', '--server', server], { cwd: folder });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
  const octet = octetOf(folder);
  const processes = ownedIn(folder).length;
  const down = await runCli(['down'], { cwd: folder });
  const left = await findLeftovers(folder, octet);
  const failed = down.code === 0 ? [] : [`down: ${down.code} ${down.stderr}`];
  return {
    afterMs,
    last: output.stderr.trimEnd().split('\n').at(-1) ?? '',
    processes,
    left: [...failed, ...left],
  };
}

function readOctet(cluster: string): number | undefined {
  try {
    return JSON.parse(readFileSync(join(cluster, 'state.json'), 'utf8')).provision.addresses.octet;
  } catch {
    return undefined;
  }
}
