import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connectPeer, echo, startTcpServer } from '../../support/tcp-peer.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const TICKS_PER_SECOND = 100; // of /proc/net/tcp, on every Linux Node.js runs on

/** Seconds until the first keep-alive probe of the connection between two local ports; 0 without keep-alive. */
function probeInSeconds(from: number, to: number): number {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`:${hex(from)} \\w+:${hex(to)} \\w+ \\w+:\\w+ (\\w+):(\\w+)`);
  const [, timer, ticks = ''] =
    row.exec(readFileSync('/proc/net/tcp', 'utf8')) ?? row.exec(readFileSync('/proc/net/tcp6', 'utf8')) ?? [];
  return timer === '02' ? Number.parseInt(ticks, 16) / TICKS_PER_SECOND : 0;
}

it('probes both sides of an idle connection after 15 s, so that a client that vanished is let go', async () => {
  const toxiproxy = await startTestToxiproxy();
  const server = await startTcpServer(echo);
  const port = await toxiproxy.proxy('p', server.port);
  const client = await connectPeer(port);
  client.socket.write('a');
  await client.until(({ received }) => received() === 'a');
  for (const [from = 0, to = 0] of [
    [port, client.socket.localPort],
    [server.peers[0]?.socket.remotePort, server.port],
  ]) {
    await expect.poll(() => probeInSeconds(from, to)).toBeGreaterThan(1); // another timer runs until data is acknowledged
    expect(probeInSeconds(from, to)).toBeLessThanOrEqual(15.1);
  }
});
