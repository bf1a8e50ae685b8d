import { hashBytes, makeBlocks, sendBytes } from './byte-stream.ts';
import { connectPeer, startTcpServer } from './tcp-peer.ts';
import { startToxiproxyProcess } from './toxiproxy-process.ts';

const MiB = 1024 * 1024;

export interface FlowOptions {
  readonly totalMiB: number;
  readonly toxics: readonly object[];
  /** The reader stops for this long after every so many MiB. */
  readonly pause?: { readonly everyMiB: number; readonly ms: number };
}

/**
 * Sends bytes from a server through a Toxiproxy process to a client, and looks at its memory every 16 MiB.
 * Gives what arrived, what was sent, and the most memory seen in each quarter of the way, in MiB.
 */
export async function flow({ totalMiB, toxics, pause }: FlowOptions) {
  const toxiproxy = await startToxiproxyProcess();
  let sending: Promise<string> | undefined;
  const server = await startTcpServer((socket) => {
    sending = sendBytes(socket, totalMiB * MiB, makeBlocks(1));
  });
  const port = await toxiproxy.proxy('p', server.port);
  for (const toxic of toxics) await toxiproxy.toxic('p', toxic);
  const { socket } = await connectPeer(port);
  socket.removeAllListeners('data'); // the peer would keep all of it
  const arriving = hashBytes(socket);

  const quartersMiB = [0, 0, 0, 0];
  let bytes = 0;
  let looked = 0;
  let paused = 0;
  socket.on('data', (data) => {
    bytes += data.length;
    if (bytes - looked >= 16 * MiB) {
      looked = bytes;
      const quarter = Math.min(3, Math.floor((4 * bytes) / (totalMiB * MiB)));
      quartersMiB[quarter] = Math.max(quartersMiB[quarter] ?? 0, toxiproxy.residentMiB());
    }
    if (pause !== undefined && bytes - paused >= pause.everyMiB * MiB) {
      paused = bytes;
      socket.pause();
      setTimeout(() => socket.resume(), pause.ms);
    }
  });
  return { arrived: await arriving, sent: { hash: await sending, bytes: totalMiB * MiB }, quartersMiB };
}
