import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Operation } from '../../src/history/records/operation.ts';
import { monotonicUs } from '../../src/load/monotonic.ts';
import { LoadProcesses } from '../../src/load/processes/load-processes.ts';
import type { LoadShape } from '../../src/load/users.ts';
import { type Answer, type HttpServer, httpReply, startHttpServer } from '../support/http-server.ts';
import { type Books, expectSoundBooks, type LoadOptions, loadOn, signedReply } from '../support/load.ts';

const program = new URL('../../dist/cli/process/load-process.js', import.meta.url);
const REGIONS = ['r0', 'r1', 'r2'];

const admit: Answer = (_request, socket) => socket.write(httpReply(201, '{}'));
const sign: Answer = (request, socket) => socket.write(signedReply(request));

async function serve(answer: Answer): Promise<HttpServer> {
  const server = await startHttpServer(answer);
  onTestFinished(() => server.stop());
  return server;
}

async function start(count: number, silentMs?: number): Promise<LoadProcesses> {
  const processes = await LoadProcesses.start({
    ...{ program, regions: REGIONS, count, onPause: () => {} },
    ...(silentMs !== undefined && { silentMs }),
  });
  onTestFinished(() => processes.kill());
  return processes;
}

async function load(
  server: HttpServer,
  options: Partial<LoadOptions>,
  processes?: LoadProcesses,
): Promise<Books> {
  const send = processes && { send: processes.send.bind(processes) };
  return loadOn({ urls: REGIONS.map(() => server.url), durationMs: 500, ...options, ...send });
}

/** The processes that this test has started. */
function children(of = process.pid): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isLoadProcess(pid, of));
}

function isLoadProcess(pid: number, parent: number): boolean {
  try {
    const [, state, ppid] = / ([A-Z]) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return state !== 'Z' && Number(ppid) === parent && command.includes('load-process.js');
  } catch {
    return false; // it has ended
  }
}

const shape: Partial<LoadShape> = {
  ...{
    connections: 450,
    users: 300,
    skew: 0.7,
    roaming: 0.3,
    rampMs: 600,
    costs: [1, 2, 5],
    actuals: [1, 2],
  },
  resting: { share: 0.3, restMs: 200, burstMs: 100 },
};
const open: Partial<LoadShape> = { ...shape, mode: 'open', ratePerSecond: 400 };

const requestsOf = ({ operations }: Books) =>
  operations
    .toSorted((a, b) => (a.intendedUs ?? 0) - (b.intendedUs ?? 0))
    .map(({ region, user, cost, settled }) => [region, user, cost, settled?.cost].join(' '));

describe('load processes', () => {
  const log = Array.from({ length: 150 }, (_, nth) => ({
    atUs: 3_000 * nth,
    user: `key-${nth % 40}`,
    cost: 2,
  }));
  it.each<[string, Partial<LoadOptions>]>([
    ['at a rate', { shape: open }],
    ['of a log', { shape: open, recorded: log.map((one, nth) => ({ ...one, region: `r${(nth % 7) % 3}` })) }],
  ])('send an open load %s as one process does', async (_title, options) => {
    const server = await serve(admit);
    const one = await load(server, options);
    for (const count of [1, 2, 3]) {
      const several = await load(server, options, await start(count));
      expect(requestsOf(several)).toEqual(requestsOf(one));
      expect(several.recorder.dropped).toEqual([]);
    }
  });

  it('draw on each connection of a closed load what one process draws', async () => {
    const server = await serve(admit);
    const steady = {
      shape: { ...shape, connections: 12, rampMs: 0, resting: { share: 0, restMs: 1, burstMs: 1 } },
    };
    const [one, several] = [await load(server, steady), await load(server, steady, await start(3))];
    const sequences = [one, several].map(({ operations }) => sequencesOf(operations));
    expect(sequences[1]?.size).toBe(12);
    let compared = 0;
    for (const [connection, sequence] of sequences[1] ?? []) {
      const other = sequences[0]?.get(connection) ?? [];
      const common = Math.min(sequence.length, other.length);
      compared += common;
      expect(sequence.slice(0, common)).toEqual(other.slice(0, common));
    }
    expect(compared).toBeGreaterThan(30);
  });

  function sequencesOf(operations: readonly Operation[]): Map<number, string[]> {
    const sent = new Map<number, string[]>();
    for (const { process, region, user, cost } of operations)
      sent.set(process, [...(sent.get(process) ?? []), [region, user, cost].join(' ')]);
    return sent;
  }

  it('record each request once, with its own reply, in the order of time', async () => {
    const server = await serve(sign);
    const processes = await start(2);
    const warmUp = await load(server, { durationMs: 200 }, processes); // one load after another
    const before = server.requests.length;
    const books = await load(server, { durationMs: 2_000 }, processes);
    for (const each of [warmUp, books]) expectSoundBooks(each, []);
    expectSoundBooks(books, [{ ...server, requests: server.requests.slice(before) }]);
    const ends = books.operations.map(({ completedUs }) => completedUs ?? Number.NaN);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect(new Set(books.operations.map(({ region }) => region))).toEqual(new Set(REGIONS));
    expect(books.loadMs).toBeGreaterThan(1_000); // a process that starts late sends for less
    await processes.close();
    expect(children()).toEqual([]);
  });

  it('count what they drop', async () => {
    const server = await serve((request, socket) => setTimeout(() => admit(request, socket), 60));
    const { recorder } = await load(server, { shape: { ...open, connections: 6 } }, await start(3));
    const dropped = recorder.dropped.reduce((sum, { requests }) => sum + requests, 0);
    expect(recorder.sent + dropped).toBe(200);
    expect(new Set(recorder.dropped.map(({ region }) => region))).toEqual(new Set(REGIONS));
  });

  it('stop when they are interrupted, and record what is open', async () => {
    const interrupt = new AbortController();
    let hanging = 0;
    const server = await serve((request, socket) => {
      if (request.nth < 3) sign(request, socket);
      else if (++hanging === 4) interrupt.abort();
    });
    const books = await load(server, { durationMs: 60_000, signal: interrupt.signal }, await start(2));
    expect(books.tookMs).toBeLessThan(20_000);
    expectSoundBooks(books, [server]);
    expect(books.operations.filter(({ error }) => error === 'INTERRUPTED')).toHaveLength(4);
  });

  it('refuse what one process refuses', async () => {
    const server = await serve(admit);
    const make = (url: string, region: string) => ({ region, url });
    const processes = await start(2);
    await expect(load(server, { make }, processes)).rejects.toThrow(
      /^requests to r[01] have no subject header/,
    );
    await expect.poll(() => children()).toEqual([]);
  });
});

describe('a load process that ends by itself', () => {
  it('ends the load and all others; what was recorded is complete up to the last record', async () => {
    const answered: { user: string; atUs: number }[] = [];
    const server = await serve((request, socket) => {
      sign(request, socket);
      answered.push({ user: request.headers['x-openclaw-user'] ?? '', atUs: monotonicUs() });
    });
    const processes = await start(3);
    const operations: Operation[] = [];
    const sent = loadOn({
      ...{ urls: REGIONS.map(() => server.url), durationMs: 60_000, startAtUs: 0 },
      send: (options) => {
        const { recorder } = options;
        const adopt = recorder.adopt.bind(recorder);
        recorder.adopt = (record) => {
          if (record.type === 'op') operations.push(record);
          adopt(record);
        };
        return processes.send(options);
      },
    });
    const lengthUs = () => (operations.at(-1)?.completedUs ?? 0) - (operations[0]?.completedUs ?? 0);
    await expect.poll(lengthUs, { timeout: 20_000 }).toBeGreaterThan(2_000_000);
    process.kill(children()[1] ?? 0, 'SIGKILL');
    await expect(sent).rejects.toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringMatching(/^load process \d of 3 \(r\d\) ended with SIGKILL$/),
    });
    await expect.poll(() => children()).toEqual([]);
    const lastUs = Math.max(...operations.map(({ completedUs }) => completedUs ?? 0));
    const users = new Set(operations.map(({ user }) => user));
    const long = answered.filter(({ atUs }) => atUs < lastUs - 1_000_000); // until then its reply was read
    expect(long.length).toBeGreaterThan(50);
    expect(long.filter(({ user }) => !users.has(user))).toEqual([]);
    await expect(load(server, {}, processes)).rejects.toThrow('ended with SIGKILL');
  });

  it('is one that hangs, too', async () => {
    const server = await serve(admit);
    const sent = load(server, { durationMs: 60_000 }, await start(2, 3_000));
    await expect.poll(() => server.requests.length, { timeout: 20_000 }).toBeGreaterThan(100);
    process.kill(children()[0] ?? 0, 'SIGSTOP');
    await expect(sent).rejects.toThrow('ended with SIGKILL: it was silent for 3 s');
    await expect.poll(() => children()).toEqual([]);
  });
});

it('load processes end with the program that started them', async () => {
  const module = new URL('../../dist/load/processes/load-processes.js', import.meta.url);
  const options = `{ program: new URL('${program}'), regions: ['a', 'b'], count: 2, onPause() {} }`;
  const script = `const { LoadProcesses } = await import('${module}'); await LoadProcesses.start(${options}); console.log('up')`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script]);
  onTestFinished(() => void parent.kill('SIGKILL'));
  await new Promise((resolve) => parent.stdout.once('data', resolve));
  const started = children(parent.pid);
  expect(started).toHaveLength(2);
  parent.kill('SIGKILL');
  await expect.poll(() => started.filter((pid) => isRunning(pid)), { timeout: 5_000 }).toEqual([]);
});

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('load-process.js');
  } catch {
    return false;
  }
}
