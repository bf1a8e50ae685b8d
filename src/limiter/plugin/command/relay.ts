import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { environmentFailed } from '../../../core/errors.ts';
import { StreamRename } from './rename.ts';

/** An address at which a node is reached. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Addresses of its own that lead to the nodes as one region sees them. */
export interface Relay {
  /** The address that leads to a node. */
  addressOf(node: NodeAddress): NodeAddress;
  close(): void;
}

/**
 * Opens a relay to nodes on 127.0.0.0/8, which connects from a local address: that places a client in a region that cannot
 * choose its local address itself. It listens on the addresses of the nodes with another second number, and writes that
 * number into replies, where nodes name each other. Throws ENVIRONMENT_FAILED if no number is free.
 */
export async function openRelay(nodes: readonly NodeAddress[], localAddress: string): Promise<Relay> {
  const block = blockOf(nodes);
  for (const other of blocksLike(block)) {
    const relay = await listenIn({ nodes, block, other, localAddress });
    if (relay !== undefined) return relay;
  }
  throw environmentFailed(`no addresses like 127.${block}.* are free for a relay`, 'end other runs');
}

const LOOPBACK = /^127\.(\d+)\./;

function blockOf(nodes: readonly NodeAddress[]): string {
  const blocks = new Set(nodes.map(({ host }) => LOOPBACK.exec(host)?.[1]));
  const [block] = blocks;
  if (blocks.size === 1 && block !== undefined) return block;
  const hosts = nodes.map(({ host }) => host).join(', ');
  throw environmentFailed(`a relay needs nodes in one block 127.x.*; found ${hosts}`);
}

/** The second numbers of clusters that this program starts: a relay takes none of another run. */
const OF_CLUSTERS = { least: 70, most: 130 };

/** Second numbers with as many digits, from one that this process prefers. */
function blocksLike(block: string): string[] {
  const least = 10 ** (block.length - 1);
  const most = Math.min(254, least * 10 - 1);
  const count = most - least + 1;
  return Array.from({ length: count }, (_, i) => least + ((process.pid + i) % count))
    .filter((number) => number < OF_CLUSTERS.least || number > OF_CLUSTERS.most)
    .map(String);
}

interface Place {
  readonly nodes: readonly NodeAddress[];
  readonly block: string;
  readonly other: string;
  readonly localAddress: string;
}

/** Undefined if an address is in use. */
async function listenIn({ nodes, block, other, localAddress }: Place): Promise<Relay | undefined> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const close = () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };
  const addressOf = ({ host, port }: NodeAddress) => ({
    host: host.replace(`127.${block}.`, `127.${other}.`),
    port,
  });
  for (const node of nodes) {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const rename = new StreamRename(`127.${block}.`, `127.${other}.`);
      join(client, connect({ ...node, localAddress, allowHalfOpen: true }), { rename, sockets });
    });
    servers.push(server);
    try {
      server.listen({ ...addressOf(node), exclusive: true });
      await once(server, 'listening');
    } catch (error) {
      close();
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
      throw error;
    }
  }
  return { addressOf, close };
}

function join(
  client: Socket,
  node: Socket,
  { rename, sockets }: { readonly rename: StreamRename; readonly sockets: Set<Socket> },
): void {
  for (const [socket, other] of [
    [client, node],
    [node, client],
  ] as const) {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => other.resetAndDestroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
  }
  client.pipe(node);
  node.on('data', (chunk) => {
    const bytes = rename.add(chunk);
    if (bytes.length > 0 && !client.write(bytes)) node.pause();
  });
  client.on('drain', () => node.resume());
  node.on('end', () => client.end());
}
