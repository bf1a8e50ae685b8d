import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { environmentFailed, invalidOption } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { Cleanup } from '../experiment/cleanup.ts';
import { createClockServer } from '../experiment/parts/clock-server.ts';
import { PartStore, type PartStoreOptions } from '../experiment/parts/part-store.ts';
import { cannotWrite } from '../experiment/run-folder.ts';
import { monotonicUs } from '../load/monotonic.ts';

/** The folder of the parts in the folder of a run. */
export const PARTS = 'parts';

export interface ReceivedPart {
  readonly run: string;
  readonly name: string;
  /** Absolute. */
  readonly file: string;
}

export interface ClockOfRun {
  readonly url: string;
  /** What senders need. */
  readonly token: string;
  /** The parts so far, also of other runs. */
  readonly received: readonly ReceivedPart[];
  /** When the last one came; 0 without any. */
  readonly receivedUs: number;
}

export interface ClockOptions {
  /** The folder of the run. */
  readonly folder: string;
  /** The address on which it listens, and which the machines reach. */
  readonly host: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly look: PartStoreOptions['look'];
  readonly cleanup: Cleanup;
}

/** The address is not of this machine, or its name is not known. */
const NO_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL']);

/** Throws INVALID_OPTION unless the clock could listen there, at some port. */
export async function checkClockHost(host: string): Promise<void> {
  const server = createServer().listen({ host, port: 0 });
  const code = await once(server, 'listening').then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (server.listening) await once(server.close(), 'close');
  if (code === undefined || !NO_ADDRESS.has(code)) return;
  throw invalidOption(
    `--clock-host ${printable(host)} is no address of this machine (${code})`,
    'name one that all others reach, or leave it out: the default is the one of the swarm',
  );
}

/** Starts the clock of a run, which takes the files of its parts. Throws ENVIRONMENT_FAILED. */
export async function openClock({
  folder,
  host,
  port = 0,
  look,
  cleanup,
}: ClockOptions): Promise<ClockOfRun> {
  const parts = join(folder, PARTS);
  await mkdir(parts).catch((error: unknown) => {
    throw cannotWrite(folder, error);
  });
  const token = randomBytes(24).toString('hex');
  const received: ReceivedPart[] = [];
  let receivedUs = 0;
  const server = createClockServer(
    new PartStore({
      ...{ folder: parts, token, look },
      onReceived: ({ file, part: { run, name } }) => {
        received.push({ run, name, file: join(parts, file) });
        receivedUs = monotonicUs();
      },
    }),
  );
  const url = await server.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw environmentFailed(
      `the clock of the run cannot listen on ${host}:${port}: ${error.code}`,
      'name an address of this machine that all others reach: --clock-host <address>',
      error,
    );
  });
  cleanup.add('end the clock of the run', async () => {
    server.server.closeAllConnections();
    await server.close();
  });
  return {
    ...{ url, token, received },
    get receivedUs() {
      return receivedUs;
    },
  };
}
