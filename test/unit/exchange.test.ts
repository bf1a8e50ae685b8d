import { describe, expect, it } from 'vitest';
import { exchange } from '../../src/regions/network/exchange.ts';
import { stall } from '../support/stall.ts';
import { startTcpServer } from '../support/tcp-peer.ts';

const WITHIN_MS = 300;

/** Sends a PING to a server that does this with it. */
async function pingTo(answer: (reply: () => void) => void) {
  const { port } = await startTcpServer((socket) => {
    socket.on('data', () => answer(() => socket.write('+PONG\r\n')));
  });
  return exchange(['PING'], { to: { host: '127.0.0.1', port }, withinMs: WITHIN_MS });
}

describe('a command on a connection of its own', () => {
  it('is answered at once without a stall', async () => {
    const { isSent, isAnswered, ms, stalledMs } = await pingTo((reply) => reply());
    expect([isSent, isAnswered]).toEqual([true, true]);
    expect(ms - stalledMs).toBeLessThan(WITHIN_MS);
  });

  it('is answered in time although this program stalls longer, and says how long', async () => {
    const { isAnswered, ms, stalledMs } = await pingTo((reply) => {
      reply();
      stall(3 * WITHIN_MS);
    });
    expect(isAnswered).toBe(true);
    expect(ms).toBeGreaterThanOrEqual(3 * WITHIN_MS - 1);
    expect(ms - stalledMs).toBeLessThan(WITHIN_MS / 2);
  });

  it('without an answer gives up in time, and says how long it stood still', async () => {
    const { isAnswered, ms, stalledMs } = await pingTo(() => stall(WITHIN_MS));
    expect(isAnswered).toBe(false);
    expect(ms).toBeGreaterThanOrEqual(WITHIN_MS - 2);
    expect(stalledMs).toBeGreaterThanOrEqual(WITHIN_MS / 2);
  });

  it('has the same time for its reply, however long the login took', async () => {
    const { port } = await startTcpServer((socket) => {
      socket.on('data', () => setTimeout(() => socket.write('+OK\r\n'), 600));
    });
    const to = { host: '127.0.0.1', port, password: 'secret' };
    expect(await exchange(['PING'], { to, withinMs: 1_000 })).toMatchObject({ isAnswered: true });
  });
});
