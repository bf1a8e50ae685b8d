import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { invalidOption } from '../core/errors.ts';
import type { RecordedRequest } from '../history/foreign/arrivals.ts';
import { driveConnection, type Pace } from './connection.ts';
import { ConnectionRequests, type LoadState } from './connection-requests.ts';
import { BY_STATUS, type ReadReply, readerOf } from './outcome.ts';
import { makePace, userDrawOf } from './pace.ts';
import { connectionsOf, type LoadPart } from './parts.ts';
import type { Recorder } from './recorder.ts';
import { checkTarget, makeRequestWriter, type Target, type WriteRequest } from './target.ts';
import { timers } from './timers.ts';
import type { LoadShape, UserDraw, Users } from './users.ts';

export interface LoadOptions {
  readonly shape: LoadShape;
  readonly users: Users;
  readonly targets: readonly Target[];
  readonly recorder: Recorder;
  readonly durationMs: number;
  /** How long to wait for replies after the last request. */
  readonly drainMs: number;
  readonly signal: AbortSignal;
  /** The requests of a recorded load, which is open. */
  readonly recorded?: readonly RecordedRequest[];
  /** For a closed load: ends after `requests`, and each connection waits at least `everyMs` between two. */
  readonly atMost?: { readonly requests: number; readonly everyMs: number };
  /** Sends only these parts of the load; the others need no target. Default: all of it. */
  readonly parts?: readonly LoadPart[];
  /**
   * When the load begins, by the clock of the recorder; a few seconds ahead at most, since the connections are open
   * meanwhile. Default: as soon as all exist.
   */
  readonly startAtUs?: number;
}

/**
 * Sends a closed or open load. When the time is up it stops sending and waits for replies; requests that stay open are
 * recorded as `info`. Gives the milliseconds from the first request until sending stopped. Throws INVALID_OPTION before
 * the first request.
 */
export async function runLoad(options: LoadOptions): Promise<number> {
  const { autocannon } = await import('./autocannon.ts'); // heavy: not for help, nor for a simulation
  const { shape, recorder, signal, parts } = options;
  const regions = regionsOf(options);
  const numbers = connectionsOf(parts, { ...shape, regions: namesOf(options) });
  const isEnough = new AbortController();
  const draws = regions.map((each) => each && { name: each.region.name, draw: each.draw });
  const unlimited = makePace({ ...options, regions: namesOf(options), draws, timers });
  const pace = limited(unlimited, options.atMost, () => isEnough.abort());
  const load: LoadState = { isDraining: false, startedUs: options.startAtUs ?? recorder.nowUs() };
  const urls = numbers.map((number) => regions[number % regions.length]?.url);
  let connections = 0;
  let timed = Promise.resolve(0);

  const finished = new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      {
        url: urls as unknown as string, // a list is allowed, and dealt out in turn; its typings lag
        connections: numbers.length,
        duration: 1_000_000, // `keepTime` ends the load
        sampleInt: 100,
        timeout: Math.ceil((options.durationMs + options.drainMs) / 1_000) + 60,
        setupClient: (client) => {
          const process = numbers[connections++] ?? 0;
          const region = regions[process % regions.length];
          if (region === undefined) return;
          const { draw, region: own, ...http } = region;
          const drawn = { load, recorder, shape, draw, process, region: own.name };
          const requests = new ConnectionRequests(drawn);
          driveConnection(client, { ...http, region: own, load, pace, recorder, requests });
        },
      },
      (error) => (error ? reject(error) : resolve()),
    );
    const ends = AbortSignal.any([signal, isEnough.signal]);
    timed = keepTime(options, { pace, load, started: once(instance, 'start'), ends });
    void timed.then(() => instance.stop()); // it ends earlier if every connection was destroyed
  });
  await finished;
  recorder.loseAll(signal.aborted ? 'INTERRUPTED' : 'LOAD_ENDED');
  return timed;
}

/** A region whose requests are sent, and how. */
interface LoadRegion {
  readonly region: { readonly index: number; readonly name: string };
  readonly url: string;
  readonly draw: UserDraw;
  readonly write: WriteRequest;
  readonly read: ReadReply;
}

/** The regions of the load in their order; undefined for one that no part of ours is of. */
function regionsOf(options: LoadOptions): (LoadRegion | undefined)[] {
  const { shape, targets, users, recorded, parts } = options;
  for (const target of targets) checkTarget(target, shape);
  return namesOf(options).map((name, index) => {
    if (parts !== undefined && !parts.some(({ region }) => region === name)) return undefined;
    const target = targets.find(({ region }) => region === name);
    if (target === undefined) throw invalidOption(`a part of ${name} needs a target for ${name}`);
    return {
      region: { index, name },
      url: target.url,
      draw: userDrawOf(users, { region: name, recorded }),
      write: makeRequestWriter(target),
      read: readerOf(target.replies ?? BY_STATUS, { reserve: shape.actuals !== undefined }),
    };
  });
}

/** Without parts the targets count: a warm-up may leave regions out. */
function namesOf({ shape, targets, parts }: LoadOptions): readonly string[] {
  return parts === undefined ? targets.map(({ region }) => region) : shape.regions;
}

/** The same pace with a limit: calls `onEnough` instead of sending a request beyond it. */
function limited(pace: Pace, atMost: LoadOptions['atMost'], onEnough: () => void): Pace {
  if (atMost === undefined) return pace;
  let left = atMost.requests;
  return {
    ...pace,
    free(connection, why) {
      const send = () => {
        if (left-- > 0) connection.send();
        else onEnough();
      };
      const later = () => {
        if (why === 'new' || atMost.everyMs === 0) send();
        else setTimeout(send, atMost.everyMs).unref(); // the load may end first
      };
      pace.free({ region: connection.region, send: later }, why);
    },
  };
}

const LOOK_EVERY_MS = 10;

/** An interrupted load waits half a second for replies, also where requests hang. */
const HASTY_LOOKS = 50;

async function keepTime(
  { durationMs, drainMs, recorder, signal, startAtUs }: LoadOptions,
  {
    pace,
    load,
    started,
    ends,
  }: { pace: Pace; load: LoadState; started: Promise<unknown>; ends: AbortSignal },
): Promise<number> {
  await started;
  if (startAtUs === undefined) load.startedUs = recorder.nowUs();
  await until(load.startedUs, recorder, ends);
  if (!ends.aborted) {
    pace.start(load.startedUs);
    await until(load.startedUs + durationMs * 1_000, recorder, ends);
    pace.stop({ isEarly: ends.aborted });
  }
  load.isDraining = true;
  const endedUs = recorder.nowUs();
  const deadline = endedUs + drainMs * 1_000;
  for (let hasty = 0; recorder.inFlight > 0 && recorder.nowUs() < deadline; hasty += signal.aborted ? 1 : 0) {
    if (hasty >= HASTY_LOOKS) break;
    await sleep(LOOK_EVERY_MS);
  }
  return (endedUs - (load.firstUs ?? endedUs)) / 1_000;
}

/** Waits until this time; an interrupt ends the wait. */
async function until(atUs: number, recorder: Recorder, signal: AbortSignal): Promise<void> {
  for (let leftUs = atUs - recorder.nowUs(); leftUs > 0 && !signal.aborted; leftUs = atUs - recorder.nowUs())
    await sleep(Math.ceil(leftUs / 1_000), undefined, { signal }).catch(() => {});
}
