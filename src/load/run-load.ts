import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { invalidOption } from '../core/errors.ts';
import { makeRandom } from '../core/prng.ts';
import type { RecordedRequest } from '../history/foreign/arrivals.ts';
import { parseStatusPattern } from '../history/foreign/status.ts';
import { type Arrivals, peakArrivals, steadyArrivals } from './arrivals.ts';
import { driveConnection, type LoadState, type Pace } from './connection.ts';
import { makeCostDraw } from './costs.ts';
import { openLoop } from './open-loop.ts';
import { readByStatus, withSettlement } from './outcome.ts';
import { recordedArrivals } from './recorded.ts';
import type { Recorder } from './recorder.ts';
import { checkTarget, makeRequestWriter, type Target } from './target.ts';
import { type LoadShape, makeUserDraw, type PlannedUser } from './users.ts';

export interface LoadOptions {
  readonly shape: LoadShape;
  readonly users: readonly PlannedUser[];
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
}

/**
 * Sends a closed or open load. When the time is up it stops sending and waits for replies; requests that stay open are
 * recorded as `info`. Gives the milliseconds from the first request until sending stopped. Throws INVALID_OPTION before
 * the first request.
 */
export async function runLoad(options: LoadOptions): Promise<number> {
  const { shape, targets, recorder, signal } = options;
  for (const target of targets) checkTarget(target, shape);
  const regions = targets.map((target, index) => ({
    region: { index, name: target.region },
    draw: options.recorded === undefined ? makeUserDraw(options.users, target.region) : drawNone,
    write: makeRequestWriter(target),
    read: shape.actuals === undefined ? (target.read ?? BY_STATUS) : withSettlement(target.read ?? BY_STATUS),
  }));
  const isEnough = new AbortController();
  const pace = limited(makePace(options), options.atMost, () => isEnough.abort());
  const load: LoadState = { isDraining: false, startedUs: recorder.nowUs() };
  let connections = 0;
  let timed = Promise.resolve(0);

  const finished = new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      {
        url: targets.map(({ url }) => url) as unknown as string, // a list is allowed; its typings lag
        connections: shape.connections,
        duration: 1_000_000, // `keepTime` ends the load
        sampleInt: 100,
        timeout: Math.ceil((options.durationMs + options.drainMs) / 1_000) + 60,
        setupClient: (client) => {
          const process = connections++;
          const region = regions[process % regions.length]; // autocannon deals its addresses out in turn
          if (region === undefined) return;
          const random = makeRandom(shape.seed, `connection ${process}`);
          const drawCost = makeCostDraw(shape, process);
          const { policies, actuals } = shape;
          driveConnection(client, {
            ...{ ...region, load, pace, recorder, random, drawCost },
            ...{ policies, actuals, process },
          });
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

const BY_STATUS = readByStatus(parseStatusPattern('2xx'), parseStatusPattern('429'));

/** Each request of a recorded load has its user. */
const drawNone = (): never => {
  throw new Error('a recorded load draws no users');
};

function makePace({ shape, targets, durationMs, recorder, users, recorded }: LoadOptions): Pace {
  const { mode, connections } = shape;
  if (connections < targets.length)
    throw invalidOption(
      `a load needs a connection for each of its ${targets.length} regions; found ${connections}`,
    );
  if (mode === 'closed') return CLOSED;
  const regions = targets.map(({ region }) => region);
  const arrivals =
    recorded === undefined
      ? arrivalsOf(shape, regions.length)
      : recordedArrivals(recorded, users, { ...shape, regions });
  return openLoop({ arrivals, regions, durationMs, recorder });
}

function arrivalsOf({ ratePerSecond = 0, peaks }: LoadShape, regions: number): Arrivals {
  if (!(ratePerSecond > 0)) throw invalidOption(`an open load needs a rate above 0; found ${ratePerSecond}`);
  return peaks === undefined
    ? steadyArrivals(ratePerSecond, regions)
    : peakArrivals(ratePerSecond, regions, peaks);
}

const RECONNECT_DELAY_MS = 100;

/** Every connection sends its next request as soon as the last one is answered. */
const CLOSED: Pace = {
  free(connection, why) {
    if (why !== 'ended') connection.send();
    else setTimeout(() => connection.send(), RECONNECT_DELAY_MS); // no busy loop where connections are refused
  },
  start() {},
  stop() {},
};

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
  { durationMs, drainMs, recorder, signal }: LoadOptions,
  {
    pace,
    load,
    started,
    ends,
  }: { pace: Pace; load: LoadState; started: Promise<unknown>; ends: AbortSignal },
): Promise<number> {
  await started;
  pace.start();
  await sleep(durationMs, undefined, { signal: ends }).catch(() => {}); // an interrupt ends the load early
  pace.stop({ isEarly: ends.aborted });
  load.isDraining = true;
  const endedUs = recorder.nowUs();
  const deadline = endedUs + drainMs * 1_000;
  for (let hasty = 0; recorder.inFlight > 0 && recorder.nowUs() < deadline; hasty += signal.aborted ? 1 : 0) {
    if (hasty >= HASTY_LOOKS) break;
    await sleep(LOOK_EVERY_MS);
  }
  return (endedUs - (load.firstUs ?? endedUs)) / 1_000;
}
