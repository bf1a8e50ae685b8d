import { expect } from 'vitest';
import type { RecordedRequest } from '../../src/history/foreign/arrivals.ts';
import type { Operation } from '../../src/history/records/operation.ts';
import { planUsers } from '../../src/load/drawn-users.ts';
import type { LoadPart } from '../../src/load/parts.ts';
import { Recorder } from '../../src/load/recorder.ts';
import { runLoad, type LoadOptions as SentLoad } from '../../src/load/run-load.ts';
import { sampleTarget, type Target } from '../../src/load/target.ts';
import type { LoadShape } from '../../src/load/users.ts';
import { type Answer, type HttpServer, httpReply, type SeenRequest, startHttpServer } from './http-server.ts';

/** The books of one load, and the recorder that kept them. */
export interface Books {
  readonly operations: readonly Operation[];
  readonly recorder: Recorder;
  readonly tookMs: number;
  /** As the load says itself. */
  readonly loadMs: number;
}

export interface LoadOptions {
  /** Where each region's requests go; the regions are `r0`, `r1`, ... */
  readonly urls: readonly string[];
  /** Makes the target of a region. Default: the sample system. */
  readonly make?: (url: string, region: string) => Target;
  readonly shape?: Partial<LoadShape>;
  /** The requests of a log, instead of drawn ones. */
  readonly recorded?: readonly RecordedRequest[];
  readonly durationMs?: number;
  readonly drainMs?: number;
  readonly signal?: AbortSignal;
  /** Sends only these parts. */
  readonly parts?: readonly LoadPart[];
  /** On the machine's monotonic clock; times of operations are then of that clock, too. */
  readonly startAtUs?: number;
  /** Sends the load. Default: this process. */
  readonly send?: (options: SentLoad) => Promise<number>;
  /** Ends the load as soon as this many operations of each connection have ended. */
  readonly operationsEach?: number;
}

/** Runs a closed loop: users so many that two requests hardly ever share one, no ramp, all at home. */
export async function loadOn({
  urls,
  make = (url, region) => sampleTarget(region, url),
  shape: changes,
  operationsEach,
  send = runLoad,
  ...options
}: LoadOptions): Promise<Books> {
  const regions = urls.map((_, index) => `r${index}`);
  const shape: LoadShape = {
    seed: 1,
    regions,
    mode: 'closed',
    costs: [1],
    connections: 4,
    users: 20_000,
    skew: 0,
    roaming: 0,
    rampMs: 0,
    ...changes,
  };
  const operations: Operation[] = [];
  const enough = new AbortController();
  const ended = new Map<number, number>();
  const write = (operation: Operation) => {
    operations.push(operation);
    ended.set(operation.process, (ended.get(operation.process) ?? 0) + 1);
    if (ended.size === shape.connections && Math.min(...ended.values()) === operationsEach) enough.abort();
  };
  const recorder = new Recorder(write, undefined, options.startAtUs === undefined ? {} : { originUs: 0 });
  const startedMs = performance.now();
  const loadMs = await send({
    shape,
    users: planUsers(shape),
    targets: urls.map((url, index) => make(url, `r${index}`)),
    recorder,
    durationMs: 10_000,
    drainMs: 5_000,
    signal: enough.signal,
    ...options,
  });
  return { operations, recorder, tookMs: performance.now() - startedMs, loadMs };
}

/** Runs a load against one server of the test's making. */
export async function loadAgainst(
  answer: Answer,
  options: Omit<LoadOptions, 'urls'> = {},
): Promise<{ books: Books; server: HttpServer }> {
  const server = await startHttpServer(answer);
  try {
    return { books: await loadOn({ urls: [server.url], ...options }), server };
  } finally {
    await server.stop();
  }
}

/**
 * A reply that names the request it answers: the user as the deciding node, the serial number as the level, and
 * every third one a denial. So an operation shows whose reply it was given.
 */
export function signedReply(request: SeenRequest, headers: Readonly<Record<string, string>> = {}): string {
  const decision = `strategy="test", node="${userOf(request)}", source=redis, level="${request.serial}"`;
  return httpReply(isDenied(request.serial) ? 429 : 201, '{"item":"x","count":1,"mean":1}', {
    'openclaw-decision': decision,
    ...headers,
  });
}

function isDenied(serial: number): boolean {
  return serial % 3 === 2;
}

export function userOf(request: SeenRequest): string {
  return request.headers['x-openclaw-user'] ?? '';
}

/** The users of some operations, sorted. */
export function usersOf(operations: readonly Operation[]): string[] {
  return operations.map(({ user }) => user).sort();
}

/** One record of each request; each reply in the record of the request it answers; nothing that was seen is missing. */
export function expectSoundBooks({ operations, recorder }: Books, servers: readonly HttpServer[]): void {
  expect(operations.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
    operations.map((_, index) => index),
  );
  expect(recorder.sent).toBe(operations.length);
  const { allowed, denied, failed, info } = recorder.counts;
  expect(allowed + denied + failed + info).toBe(operations.length);

  const answered = operations.filter(({ decision }) => decision !== undefined);
  for (const { user, outcome, status, decision } of answered) {
    const isDenial = isDenied(decision?.levelQuanta ?? -1);
    const want = {
      user: decision?.node,
      outcome: isDenial ? 'denied' : 'allowed',
      status: isDenial ? 429 : 201,
    };
    expect({ user, outcome, status }).toEqual(want);
  }
  expect(new Set(answered.map(({ decision }) => decision?.levelQuanta)).size).toBe(answered.length);
  expect(answered.length).toBe(allowed + denied);

  const booked = usersOf(operations.filter(({ outcome }) => outcome !== 'failed'));
  for (const user of servers.flatMap(({ requests }) => requests.map(userOf))) {
    const at = booked.indexOf(user);
    expect(at, `${user} is not in the books`).toBeGreaterThanOrEqual(0);
    booked.splice(at, 1);
  }
}
