import { expect, it } from 'vitest';
import { makeRandom } from '../../../src/core/prng.ts';
import { hashBytes, makeBlocks, sendBytes } from '../../support/byte-stream.ts';
import { connectPeer, echo, startTcpServer } from '../../support/tcp-peer.ts';
import { startTestToxiproxy } from '../../support/toxiproxy.ts';

const MiB = 1024 * 1024;

const TOXICS = [
  { type: 'latency', attributes: { latency: 15, jitter: 10 } },
  { type: 'bandwidth', attributes: { rate: 20_000 } },
  { type: 'slicer', attributes: { average_size: 3_000, size_variation: 1_000, delay: 20 } },
  { type: 'slow_close', attributes: { delay: 5 } },
  { type: 'limit_data', attributes: { bytes: 1e15 } },
  { type: 'noop', attributes: {} },
];

it.each([1, 2, 3])(
  '64 MiB there and back are the same bytes while toxics come, change and go: seed %i',
  async (seed) => {
    const toxiproxy = await startTestToxiproxy({ seed });
    const port = await toxiproxy.proxy('p', (await startTcpServer(echo)).port);
    const { socket } = await connectPeer(port);
    const arriving = hashBytes(socket);
    const sending = sendBytes(socket, 64 * MiB, makeBlocks(seed));
    let done = false;
    void arriving.finally(() => {
      done = true;
    });

    const random = makeRandom(seed, 'changes');
    let changes = 0;
    for (; !done; changes++) {
      const toxic = TOXICS[Math.floor(random() * TOXICS.length)];
      const stream = random() < 0.5 ? 'upstream' : 'downstream';
      const path = `/proxies/p/toxics/${toxic?.type}_${stream}`;
      const { status } = await toxiproxy.toxic('p', { ...toxic, stream, toxicity: random() });
      if (status === 409)
        await toxiproxy.call(random() < 0.5 ? 'PATCH' : 'DELETE', path, { toxicity: random() });
      await new Promise((resolve) => setTimeout(resolve, random() * 10));
    }
    expect(await arriving).toEqual({ hash: await sending, bytes: 64 * MiB });
    expect(changes).toBeGreaterThan(10);
  },
);
