import type { LoadConnection, Pace } from './connection.ts';
import type { Recorder } from './recorder.ts';

export interface OpenLoopOptions {
  /** Over all regions together. */
  readonly ratePerSecond: number;
  /** By name; they take turns. */
  readonly regions: readonly string[];
  readonly durationMs: number;
  readonly recorder: Recorder;
}

const TICK_MS = 1;

/**
 * Open loop: request n is due n / rate after the start, independent of earlier requests, and goes to region n modulo
 * their number. Its latency counts from that time, so a server cannot hide a stall. If every connection of the region
 * is busy, the request is dropped and counted: a connection has one request in flight.
 */
export function openLoop({ ratePerSecond, regions, durationMs, recorder }: OpenLoopOptions): Pace {
  const idle: LoadConnection[][] = regions.map(() => []);
  const usEach = 1_000_000 / ratePerSecond;
  let startedUs = 0;
  let arrived = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Those strictly before this moment are due. */
  const sendDue = () => {
    const elapsedUs = Math.min(recorder.nowUs() - startedUs, durationMs * 1_000);
    for (; arrived * usEach < elapsedUs; arrived++) {
      const region = arrived % regions.length;
      const connection = idle[region]?.pop(); // the last one freed: the others may rest, and be closed by the server
      if (connection === undefined) recorder.drop(regions[region] ?? '', startedUs + arrived * usEach);
      else connection.send(startedUs + arrived * usEach);
    }
  };

  return {
    free: (connection) => void idle[connection.region]?.push(connection),
    start() {
      startedUs = recorder.nowUs();
      timer = setInterval(sendDue, TICK_MS);
    },
    stop() {
      clearInterval(timer);
      sendDue();
    },
  };
}
