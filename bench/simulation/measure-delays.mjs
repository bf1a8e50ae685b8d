// Measures how long a message takes on this machine, from process to process and past a Toxiproxy without delay: half of
// the time from a PING to its reply, of one connection that has no other request open.
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TOPOLOGY } from '../../dist/topology/topology.js';
import { startRegions } from '../start-regions.mjs';

const SAMPLES = 4_000;
const EVERY_MS = 2;
const NODE = 'us-east-0';
/** Eleven quantiles; the last is the 99th percentile, since straight lines join them. */
const QUANTILES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99];

/** `{ DIRECT_US, PROXIED_US }`, as src/simulation/delays.ts has them. */
export async function measureDelays(server) {
  const [from, to] = ['eu-west', 'us-east'];
  const topology = { ...DEFAULT_TOPOLOGY, roundTripMs: { [`${to}:${from}`]: 0 }, jitterMs: 0 };
  const { regions, stop } = await startRegions({ server, seed: 1, topology });
  try {
    const { host, port } = regions.direct(NODE);
    const { localAddress } = regions.view(from);
    return {
      DIRECT_US: await pinged({ host, port }),
      PROXIED_US: await pinged({ ...regions.announced(NODE), localAddress }),
    };
  } finally {
    await stop();
  }
}

async function pinged(address) {
  const socket = createConnection({ ...address, noDelay: true });
  let answered = () => {};
  socket.on('data', () => answered());
  const timesUs = [];
  for (let at = 0; at < SAMPLES; at++) {
    const sentMs = performance.now();
    await new Promise((resolve, reject) => {
      answered = resolve;
      socket.once('error', reject);
      socket.write('PING\r\n');
    });
    socket.removeAllListeners('error');
    timesUs.push((1_000 * (performance.now() - sentMs)) / 2);
    await delay(EVERY_MS);
  }
  socket.destroy();
  timesUs.sort((a, b) => a - b);
  return QUANTILES.map((quantile) => Math.round(timesUs[Math.floor(quantile * (SAMPLES - 1))]));
}
