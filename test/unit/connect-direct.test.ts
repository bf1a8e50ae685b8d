import { describe, expect, it, onTestFinished } from 'vitest';
import { connectDirect } from '../../src/regions/cluster/connect-direct.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

const WITHIN_MS = 300;

/** A server that answers each command, or none. */
async function connectTo({ isSilent }: { readonly isSilent: boolean }) {
  const { port } = await startTcpServer((socket) => {
    socket.on('data', (data) => {
      if (isSilent) return;
      for (const [, name] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g))
        socket.write(name?.toLowerCase() === 'ping' ? '+PONG\r\n' : '$11\r\nloading:0\r\n\r\n');
    });
  });
  const client = connectDirect({ host: '127.0.0.1', port }, WITHIN_MS);
  onTestFinished(() => client.disconnect());
  return client;
}

/** Keeps this program from doing anything else, as a busy machine does. */
function stall(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe('a question to a node', () => {
  it.each([{ isConnected: false }, { isConnected: true }])(
    'is answered although this program stalled meanwhile: connected $isConnected',
    async ({ isConnected }) => {
      const client = await connectTo({ isSilent: false });
      if (isConnected) await client.ping();
      const answer = client.ping();
      stall(3 * WITHIN_MS);
      expect(await answer).toBe('PONG');
    },
  );

  it('ends in time without an answer', async () => {
    const client = await connectTo({ isSilent: true });
    const askedMs = performance.now();
    await expect(client.ping()).rejects.toThrow('Command timed out');
    expect(performance.now() - askedMs).toBeGreaterThanOrEqual(WITHIN_MS - 3);
  });

  it('ends at once where nothing listens', async () => {
    const client = connectDirect({ host: '127.0.0.1', port: 1 }, 60_000);
    onTestFinished(() => client.disconnect());
    await expect(client.ping()).rejects.toThrow();
  });
});
