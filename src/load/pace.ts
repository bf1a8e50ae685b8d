import { invalidOption } from '../core/errors.ts';
import type { RecordedRequest } from '../history/foreign/arrivals.ts';
import { drawRequests } from './arrival-requests.ts';
import { type Arrival, type Arrivals, peakArrivals, steadyArrivals } from './arrivals.ts';
import type { LoadConnection, Pace } from './connection.ts';
import { openLoop } from './open-loop.ts';
import { type LoadPart, sharesOf } from './parts.ts';
import { recordedArrivals } from './recorded.ts';
import type { Recorder } from './recorder.ts';
import type { Timers } from './timers.ts';
import { type LoadShape, makeUserDraw, type UserDraw, type Users } from './users.ts';

export interface PaceOptions {
  readonly shape: LoadShape;
  readonly users: Users;
  readonly recorder: Recorder;
  readonly durationMs: number;
  /** The requests of a recorded load, which is open. */
  readonly recorded?: readonly RecordedRequest[] | undefined;
  /** Default: all of the load. */
  readonly parts?: readonly LoadPart[];
  /** The names of all regions of the load. */
  readonly regions: readonly string[];
  /** Draws the users of each region; undefined for one that no part of ours is of. */
  readonly draws: readonly ({ readonly name: string; readonly draw: UserDraw } | undefined)[];
  readonly timers: Timers;
}

/** Decides when the connections of this load send. Throws INVALID_OPTION for an open load without a rate. */
export function makePace(options: PaceOptions): Pace {
  const { shape, timers } = options;
  return shape.mode === 'closed'
    ? closedLoop(timers)
    : openLoop({ ...options, arrivals: openArrivals(options) });
}

/** The requests of an open load, whatever is answered. Throws INVALID_OPTION without a rate. */
export function openArrivals({
  shape,
  users,
  recorded,
  parts,
  regions,
  draws,
}: Omit<PaceOptions, 'recorder' | 'durationMs' | 'timers'>): Generator<Arrival, undefined> {
  const due =
    recorded === undefined
      ? arrivalsOf(shape, regions.length)
      : recordedArrivals(recorded, users, { ...shape, regions });
  return drawRequests(due, shape, { regions: draws, has: sharesOf(parts, regions) });
}

/** Draws the users of a region. Each request of a recorded load has its user. Throws INVALID_OPTION if no user is there. */
export function userDrawOf(
  users: Users,
  { region, recorded }: Pick<PaceOptions, 'recorded'> & { readonly region: string },
): UserDraw {
  if (recorded === undefined) return makeUserDraw(users, region);
  return () => {
    throw new Error('a recorded load draws no users');
  };
}

function arrivalsOf({ ratePerSecond = 0, peaks }: LoadShape, regions: number): Arrivals {
  if (!(ratePerSecond > 0)) throw invalidOption(`an open load needs a rate above 0; found ${ratePerSecond}`);
  return peaks === undefined
    ? steadyArrivals(ratePerSecond, regions)
    : peakArrivals(ratePerSecond, regions, peaks);
}

const RECONNECT_DELAY_MS = 100;

/** Every connection sends its next request as soon as the last one is answered. */
function closedLoop(timers: Timers): Pace {
  let waiting: LoadConnection[] | undefined = []; // until the load begins
  return {
    free(connection, why) {
      if (waiting !== undefined) waiting.push(connection);
      else if (why !== 'ended') connection.send();
      else timers.after(RECONNECT_DELAY_MS, () => connection.send()); // no busy loop where connections are refused
    },
    start() {
      const all = waiting ?? [];
      waiting = undefined;
      for (const connection of all) connection.send();
    },
    stop() {},
  };
}
