import type { Pace } from './connection.ts';

const RECONNECT_DELAY_MS = 100;

/** Closed loop: every connection sends its next request the moment the last was answered. */
export function closedLoop(): Pace {
  return {
    free(connection, why) {
      if (why !== 'ended') connection.send();
      else setTimeout(() => connection.send(), RECONNECT_DELAY_MS); // no spin where connections are refused
    },
    start() {},
    stop() {},
  };
}
