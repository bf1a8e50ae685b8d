import { readFileSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { join } from 'node:path';
import { given } from '../core/given.ts';
import { fateOf, thisProgram } from '../regions/processes/owner.ts';
import type { Owner } from '../regions/store/cluster-state.ts';

/** The file that names the program which writes a run, until it has written all of it. */
export const WRITER_FILE = '.running';

/** The program that writes a run. Folders are shared between machines and containers, so a pid alone says little. */
interface Writer extends Owner {
  readonly host: string;
  /** The boot of the machine; absent without /proc. */
  readonly boot?: string;
}

/** Names this program as the one that writes the run in a folder. */
export async function noteWriter(folder: string): Promise<void> {
  const writer: Writer = { ...thisProgram(), host: hostname(), ...given({ boot: bootId() }) };
  await writeFile(join(folder, WRITER_FILE), `${JSON.stringify(writer)}\n`);
}

/** The run is complete, or failed: this program writes no more. Without an error: at worst the folder is kept too long. */
export async function dropWriter(folder: string): Promise<void> {
  await rm(join(folder, WRITER_FILE), { force: true }).catch(() => {});
}

/**
 * Who may still write the run in a folder, in words; undefined if its program has ended, also by a kill. A program that
 * cannot be seen from here counts as one that runs.
 */
export async function describeWriter(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, WRITER_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    return '';
  });
  if (text === undefined) return undefined;
  const writer = parseWriter(text);
  if (writer === undefined) return `its ${WRITER_FILE} cannot be read, so it may be being written`;
  const { host, boot, pid } = writer;
  const here = bootId();
  const isThisBoot = boot === here && (boot !== undefined || host === hostname());
  if (!isThisBoot && host === hostname() && (await isOlderThanBoot(folder))) return undefined;
  const fate = isThisBoot ? fateOf(writer) : 'elsewhere';
  if (fate === 'ended') return undefined;
  return fate === 'runs'
    ? `pid ${pid} is writing it`
    : `pid ${pid} of another container or machine (${host}) may be writing it`;
}

/** Otherwise it is no run of this machine before it was started again: another machine has the same name. */
async function isOlderThanBoot(folder: string): Promise<boolean> {
  const found = await stat(join(folder, WRITER_FILE)).catch(() => undefined);
  return found === undefined || found.mtimeMs < Date.now() - 1_000 * uptime();
}

function parseWriter(text: string): Writer | undefined {
  try {
    const { pid, startedAt, pidNamespace, host, boot } = JSON.parse(text) as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof startedAt !== 'string' || typeof host !== 'string')
      return undefined;
    const texts = given({ pidNamespace: textOf(pidNamespace), boot: textOf(boot) });
    return { pid, startedAt, host, ...texts };
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
