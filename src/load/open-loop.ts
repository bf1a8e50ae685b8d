import type { Arrival, Arrivals } from './arrivals.ts';
import type { LoadConnection, Pace } from './connection.ts';
import type { Recorder } from './recorder.ts';

export interface OpenLoopOptions {
  readonly arrivals: Arrivals;
  /** By name, as the arrivals count them. */
  readonly regions: readonly string[];
  readonly durationMs: number;
  readonly recorder: Recorder;
}

const TICK_MS = 1;

/**
 * Open loop: each request is due at a time that does not depend on earlier requests. Its latency counts from that time,
 * so a server cannot hide a stall. If every connection of its region is busy, the request is dropped and counted: a
 * connection has one request in flight.
 */
export function openLoop({ arrivals, regions, durationMs, recorder }: OpenLoopOptions): Pace {
  const idle: LoadConnection[][] = regions.map(() => []);
  const endUs = durationMs * 1_000;
  let startedUs = 0;
  let next: Arrival | undefined = arrivals.next().value;
  let timer: NodeJS.Timeout | undefined;

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
      timer = setInterval(() => sendDue(Math.min(recorder.nowUs() - startedUs, endUs)), TICK_MS);
    },
    stop({ isEarly }) {
      clearInterval(timer);
      sendDue(isEarly ? Math.min(recorder.nowUs() - startedUs, endUs) : endUs); // a timer may be a millisecond early
    },
  };
}
