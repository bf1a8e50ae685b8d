import type { Timer } from '../core/time.ts';
import type { Arrival, Arrivals } from './arrivals.ts';
import type { LoadConnection, Pace } from './connection.ts';
import type { Recorder } from './recorder.ts';
import type { Timers } from './timers.ts';

export interface OpenLoopOptions {
  readonly arrivals: Arrivals;
  /** By name, as the arrivals count them. */
  readonly regions: readonly string[];
  readonly durationMs: number;
  readonly recorder: Recorder;
  readonly timers: Timers;
}

const TICK_MS = 1;
const TICK_US = 1_000 * TICK_MS;

/**
 * Open loop: each request is due at a time that does not depend on earlier requests. Its latency counts from that time,
 * so a server cannot hide a stall. If every connection of its region is busy, the request is dropped and counted: a
 * connection has one request in flight.
 */
export function openLoop({ arrivals, regions, durationMs, recorder, timers }: OpenLoopOptions): Pace {
  const idle: LoadConnection[][] = regions.map(() => []);
  const endUs = durationMs * 1_000;
  let startedUs = 0;
  let next: Arrival | undefined = arrivals.next().value;
  let timer: Timer | undefined;

  /** Those strictly before this moment are due. */
  const sendDue = (elapsedUs: number) => {
    for (; next !== undefined && next.atUs < elapsedUs; next = arrivals.next().value) {
      const { atUs, region, request } = next;
      const connection = idle[region]?.pop(); // the last one freed: the others may rest, and be closed by the server
      if (connection === undefined) recorder.drop(regions[region] ?? '', startedUs + atUs);
      else connection.send(startedUs + atUs, request);
    }
  };

  return {
    free: (connection) => void idle[connection.region]?.push(connection),
    start(atUs) {
      startedUs = atUs;
      timer = timers.ticks(TICK_MS, () => {
        const elapsedUs = Math.min(recorder.nowUs() - startedUs, endUs);
        sendDue(elapsedUs);
        return next === undefined ? Number.POSITIVE_INFINITY : Math.floor((next.atUs - elapsedUs) / TICK_US);
      });
    },
    stop({ isEarly }) {
      timer?.cancel();
      sendDue(isEarly ? Math.min(recorder.nowUs() - startedUs, endUs) : endUs); // a timer may be a millisecond early
    },
  };
}
