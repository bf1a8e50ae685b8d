import { Cluster, Redis } from 'ioredis';

const CONNECT_MS = 15_000;

/**
 * A client of ioredis in the region of the service, connected. Beside its place and a time after which a command is
 * given up, it has the settings that ioredis has by itself: those of a user who follows a library's README.
 */
export async function connect({ cluster }, { nodes, redisOptions }) {
  const client = cluster
    ? new Cluster([...nodes], { redisOptions: { ...redisOptions } })
    : new Redis({ ...nodes[0], ...redisOptions });
  let why = 'no answer';
  client.on('error', ({ message, lastNodeError }) => {
    why = lastNodeError?.message ?? message; // it tries again by itself, and each command says what became of it
  });
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      client.disconnect();
      reject(new Error(`not connected to Redis within ${CONNECT_MS / 1_000} s: ${why}`));
    }, CONNECT_MS);
    client.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  if (cluster) await Promise.all(client.nodes('master').map(answered));
  return client;
}

/**
 * A client opens the connection to a node with the first command for it. On a busy machine that takes longer than a
 * command may, and some stores keep the failure of the first one for ever.
 */
async function answered(node, triesLeft = 10) {
  await node.ping().catch((error) => {
    if (triesLeft === 0) throw error;
    return answered(node, triesLeft - 1);
  });
}
