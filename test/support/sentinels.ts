import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type ByHand, startByHand } from './by-hand.ts';
import { freePort } from './free-port.ts';

/** The name of the primary. */
export const PRIMARY = 'mymaster';
export const PASSWORD = 'pw-of-servers';
export const SENTINEL_PASSWORD = 'pw-of-sentinels';

const HOST = '127.0.0.1';
const WAIT = { timeout: 30_000, interval: 50 };

/** A primary, its two replicas and three Sentinels, in step. */
export interface BehindSentinels {
  readonly servers: readonly ByHand[];
  readonly sentinels: readonly ByHand[];
  /** The server that the Sentinels call the primary, once it says so too. */
  primary(): Promise<ByHand>;
  /** Waits until the primary has this many replicas in step, and a failover can begin. */
  inStep(replicas: number): Promise<void>;
  /** Starts a stopped server again, empty; the Sentinels make it a replica. */
  restart(server: ByHand): Promise<void>;
  stop(): Promise<void>;
}

export async function startBehindSentinels(): Promise<BehindSentinels> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-sentinels-'));
  const secured = ['--requirepass', PASSWORD, '--masterauth', PASSWORD, '--repl-diskless-sync-delay', '0'];
  const login = ['--no-auth-warning', '-a', PASSWORD];
  const first = await again(() => startByHand(secured, { login }));
  const replicaof = ['--replicaof', `${HOST} ${first.port}`];
  const replicas = await Promise.all(
    [0, 1].map(() => again(() => startByHand([...secured, ...replicaof], { login }))),
  );
  const servers = [first, ...replicas];
  const sentinels = await Promise.all(
    [0, 1, 2].map((at) =>
      again(() => startSentinel(folder, at, { primaryPort: first.port, secured: SECURED })),
    ),
  );

  const primary = async () => {
    const [, port] = (await ask(sentinels, 'get-master-addr-by-name')).split('\n');
    const found = servers.find((server) => String(server.port) === port);
    if (found === undefined || !(await found.cli('role')).startsWith('master'))
      throw new Error(`no primary on port ${port}`);
    return found;
  };
  const inStep = (count: number) =>
    vi.waitFor(async () => {
      const { cli } = await primary();
      const lines = (await cli('info', 'replication')).match(/^slave\d+:.*state=online/gm) ?? [];
      if (lines.length !== count) throw new Error(`${lines.length} replicas`);
      for (const sentinel of sentinels) {
        if (!(await sentinel.cli('sentinel', 'ckquorum', PRIMARY)).startsWith('OK 3'))
          throw new Error('no quorum');
        const known = await sentinel.cli('sentinel', 'replicas', PRIMARY);
        if ((known.match(/^slave$/gm) ?? []).length < count) throw new Error(known);
      }
    }, WAIT);
  await inStep(2);
  return {
    ...{ servers, sentinels, primary, inStep },
    async restart({ port }) {
      const { port: primaryPort } = await primary();
      servers.push(await startByHand([...secured, '--replicaof', `${HOST} ${primaryPort}`], { login, port }));
    },
    async stop() {
      await Promise.all([...servers, ...sentinels].map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One Sentinel without a password, whose primary does not run. */
export async function startLoneSentinel(): Promise<ByHand> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-sentinel-'));
  const sentinel = await again(() => startSentinel(folder, 0, { primaryPort: 1, secured: [] }));
  return {
    ...sentinel,
    async stop() {
      await sentinel.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of the first Sentinel that answers. */
async function ask(sentinels: readonly ByHand[], question: string): Promise<string> {
  return Promise.any(sentinels.map(({ cli }) => cli('sentinel', question, PRIMARY)));
}

/** Another program may take a free port first. */
async function again<T>(start: () => Promise<T>): Promise<T> {
  return start().catch(start).catch(start);
}

const SECURED = [
  `sentinel auth-pass ${PRIMARY} ${PASSWORD}`,
  `requirepass ${SENTINEL_PASSWORD}`,
  `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
];

async function startSentinel(
  folder: string,
  at: number,
  { primaryPort, secured }: { readonly primaryPort: number; readonly secured: readonly string[] },
): Promise<ByHand> {
  const port = await freePort();
  const file = join(folder, `sentinel-${at}.conf`);
  const lines = [
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor ${PRIMARY} ${HOST} ${primaryPort} 2`,
    ...secured,
    `sentinel down-after-milliseconds ${PRIMARY} 1500`,
    `sentinel failover-timeout ${PRIMARY} 10000`,
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  return startByHand([file, '--sentinel'], {
    port,
    ...(secured.length > 0 && { login: ['--no-auth-warning', '-a', SENTINEL_PASSWORD] }),
  });
}
