import { BIN } from '../cli.ts';
import { waitUntil } from '../tcp-peer.ts';
import type { Place } from './machines.ts';

/** A port of the hub behind which an address is farther away. */
export interface Delay {
  readonly name: string;
  readonly port: number;
  /** `host:port`. */
  readonly upstream: string;
  /** Towards the upstream, and back. */
  readonly thereMs: number;
  readonly backMs: number;
  /** Up to this much more or less of each. */
  readonly jitterMs?: number;
}

const API_PORT = 8_474;

/** Starts a Toxiproxy on the hub, which ends with the test, and adds these delays to it. */
export async function startDelays(hub: Place, delays: readonly Delay[]): Promise<void> {
  const where = ['--host', hub.host, '--port', String(API_PORT), '--seed', '1'];
  const { output } = hub.start(BIN, ['toxiproxy', ...where]);
  await waitUntil(() => output.stdout.includes('\n') || output.isWhole);
  const setUp = hub.start(process.execPath, [
    '-e',
    POST,
    `http://${hub.host}:${API_PORT}`,
    callsOf(hub, delays),
  ]);
  if ((await setUp.ended) !== 0) throw new Error(output.stderr + setUp.output.stderr);
}

/** In the network of the hub, which the test is not in. */
const POST = `(async () => {
  const [api, calls] = process.argv.slice(1);
  for (const [path, body] of JSON.parse(calls)) {
    const reply = await fetch(api + path, { method: 'POST', body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(await reply.text());
  }
})()`;

function callsOf(hub: Place, delays: readonly Delay[]): string {
  const toxic = ({ jitterMs = 0 }: Delay, stream: string, latency: number) => ({
    type: 'latency',
    stream,
    attributes: { latency, jitter: jitterMs },
  });
  const calls = delays.flatMap((delay) => [
    ['/proxies', { name: delay.name, listen: `${hub.host}:${delay.port}`, upstream: delay.upstream }],
    [`/proxies/${delay.name}/toxics`, toxic(delay, 'upstream', delay.thereMs)],
    [`/proxies/${delay.name}/toxics`, toxic(delay, 'downstream', delay.backMs)],
  ]);
  return JSON.stringify(calls);
}
