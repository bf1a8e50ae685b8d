/** Waits until a client of ioredis is connected. */
export function whenReady(client) {
  return client.status === 'ready' ? undefined : new Promise((resolve) => client.once('ready', resolve));
}

/**
 * An error as one that charged nothing, which is not certain: of a request whose charge is unknown a history has no end, and
 * here the wait is measured. Admissions are judged as before; denials of these limiters are not.
 */
export function answered(error) {
  return Object.assign(error instanceof Error ? error : new Error(String(error)), { charge: 'none' });
}
