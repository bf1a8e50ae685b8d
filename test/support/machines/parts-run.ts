import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { BIN, type CliRun, testFolder } from '../cli.ts';
import { waitUntil } from '../tcp-peer.ts';
import { startDelays } from './delays.ts';
import { type Machine, makeMachines } from './machines.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'] as const;
export type Region = (typeof REGIONS)[number];

/** The machine of the clock endpoint and of Redis. */
export const BASE = 'us-east';

/** Two of them drift apart by 700 ppm, of the 1,000 that `check` assumes. */
const CLOCKS = {
  'us-east': { aheadS: 7, driftPpm: 100 },
  'eu-west': { aheadS: 5_000, driftPpm: 400 },
  'ap-south': { aheadS: 90, driftPpm: -300 },
};

/** Towards `BASE` and back: not the same in both directions, so that the middle of a round trip is no reading. */
const AWAY = {
  'eu-west': { redis: { thereMs: 25, backMs: 15 }, clock: { thereMs: 3, backMs: 37 } },
  'ap-south': { redis: { thereMs: 20, backMs: 40 }, clock: { thereMs: 50, backMs: 10 } },
};
const JITTER_MS = 2;

const [REDIS_PORT, CLOCK_PORT] = [6_379, 7_070];

const LOAD_S = 6;
/** As many connections as requests: after a pause none is dropped. */
const SCENARIO = `# Parts of one run.
policy: 20:10/s
load: { mode: open, connections: 900, rate: 150, users: 6, roaming: 1, skew: 0, duration: ${LOAD_S}s, ramp: 200ms }
claims: [total-excess <= 0]
`;

/** Three machines with a region each, whose parts of a run are started by hand. */
export interface PartsRun {
  readonly folder: string;
  readonly machines: Readonly<Record<Region, Machine>>;
  /** Sends all parts of the scenario at the same time, each into a file of its own. */
  sendAll(options?: SendOptions): Promise<readonly SentPart[]>;
}

interface SendOptions {
  readonly flags?: readonly string[];
  /** Called in the middle of the load. */
  readonly meanwhile?: () => void;
}

/** What `load` printed. */
export interface SentPart {
  readonly part: Region;
  readonly file: string;
  readonly run: string;
  readonly machine: string;
  readonly books: Readonly<Record<'sent' | 'allowed' | 'denied', number>>;
}

/** Starts Redis, the clock and the delays; all of it ends with the test. */
export async function startPartsRun(): Promise<PartsRun> {
  const folder = testFolder();
  const { hub, of: machines, stop } = await makeMachines(CLOCKS);
  onTestFinished(stop);
  const { start, host } = machines[BASE];
  const redis = ['--port', String(REDIS_PORT), '--bind', host, '--protected-mode', 'no', '--save', ''];
  await untilWritten(start('redis-server', redis, { cwd: folder }), /Ready to accept/);
  const clock = ['serve', 'clock', '--host', host, '--port', String(CLOCK_PORT)];
  await untilWritten(start(BIN, clock, { cwd: folder }), /listening/);
  const delays = Object.entries(AWAY).flatMap(([region, away], at) => [
    { name: `${region}-redis`, port: 7_100 + at, upstream: `${host}:${REDIS_PORT}`, ...away.redis },
    { name: `${region}-clock`, port: 7_200 + at, upstream: `${host}:${CLOCK_PORT}`, ...away.clock },
  ]);
  await startDelays(
    hub,
    delays.map((delay) => ({ ...delay, jitterMs: JITTER_MS })),
  );
  const seenFrom = (region: Region, what: 'redis' | 'clock') => {
    const delay = delays.find(({ name }) => name === `${region}-${what}`);
    if (delay !== undefined) return `${hub.host}:${delay.port}`;
    return `${host}:${what === 'redis' ? REDIS_PORT : CLOCK_PORT}`;
  };
  writeFileSync(join(folder, 'scenario.yaml'), SCENARIO);
  for (const region of REGIONS) {
    const nodes = [{ name: 'redis', region: BASE, address: seenFrom(region, 'redis') }];
    const file = { kind: 'single', regions: REGIONS, nodes };
    writeFileSync(join(folder, `${region}.yaml`), JSON.stringify(file));
  }
  const startPart = (region: Region, startAt: string, more: readonly string[]) => {
    const clockUrl = `http://${seenFrom(region, 'clock')}`;
    const words = ['load', 'scenario.yaml', '--endpoints', `${region}.yaml`, '--clock', clockUrl];
    const when = ['--part', region, '--start-at', startAt, '--json'];
    return machines[region].start(BIN, [...words, ...when, ...more], { cwd: folder });
  };
  return { folder, machines, sendAll: (options) => sendUntilInTime(startPart, options) };
}

async function untilWritten({ output }: CliRun, sign: RegExp): Promise<void> {
  await waitUntil(() => sign.test(output.stdout) || output.isWhole, 30_000);
  if (!sign.test(output.stdout)) throw new Error(`it has ended: ${output.stdout}${output.stderr}`);
}

type StartPart = (region: Region, startAt: string, more: readonly string[]) => CliRun;

/** How long the services of three regions need to start: on a quiet machine, on a busy one. */
const READY_MS = [10_000, 30_000, 60_000];
const LATE = /--start-at \S+ is |not ready at the start/;

let sent = 0;

/** Once more with a later start, if a part was not ready in time. */
async function sendUntilInTime(
  startPart: StartPart,
  { flags = [], meanwhile }: SendOptions = {},
): Promise<readonly SentPart[]> {
  for (const readyMs of READY_MS) {
    const name = sent++;
    const startMs = Date.now() + readyMs;
    const runs = REGIONS.map((region) =>
      startPart(region, new Date(startMs).toISOString(), [...flags, '--out', `${region}-${name}.ndjson`]),
    );
    const failed = () => runs.filter(({ output }) => output.isWhole && output.stdout === '');
    const isMiddle = () => failed().length > 0 || Date.now() > startMs + 500 * LOAD_S;
    await vi.waitUntil(isMiddle, { timeout: 2 * readyMs, interval: 5 });
    if (failed().length === 0) meanwhile?.();
    await vi.waitUntil(() => failed().length > 0 || runs.every(({ output }) => output.isWhole), {
      timeout: 60_000,
    });
    if (failed().length === 0) return runs.map(({ output }) => JSON.parse(output.stdout));
    const said = failed().map(({ output }) => output.stderr);
    if (!said.every((text) => LATE.test(text))) throw new Error(said.join('\n'));
    for (const { child } of runs) child.kill('SIGINT');
    await Promise.all(runs.map(({ ended }) => ended));
  }
  throw new Error(`no three parts were ready within ${READY_MS.at(-1)} ms`);
}
