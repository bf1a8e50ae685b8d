import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives outgoing connections the ports from 32,768 on, and our clusters have others: nothing takes these meanwhile. */
const FIRST = 20_000;
const OF_A_WORKER = 500;
const MOST_WORKERS = 5;
/** Of a cluster's node the bus port is this much higher. */
const TO_BUS = 10_000;

const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % MOST_WORKERS) * OF_A_WORKER;
let at = Math.floor(Math.random() * OF_A_WORKER);

/** A free port that no other test is given and no connection takes. As the port of a cluster's node its bus port is free, too. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < OF_A_WORKER; tries++) {
    const port = first + (at++ % OF_A_WORKER);
    if ((await isFree(port)) && (await isFree(port + TO_BUS))) return port;
  }
  throw new Error(`no port from ${first} to ${first + OF_A_WORKER - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port); // on every address, as a Redis does by default
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
