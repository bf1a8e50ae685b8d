import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import type { Regions } from '../../regions/provider.ts';

const EVERY_MS = 250;

/** The calls of strategies to Redis: scripts, and WAIT. Commands inside a script do not count. */
const CALLS = ['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'fcall', 'fcall_ro', 'wait'];

/**
 * Counts the calls of strategies during a run, from INFO commandstats of every node, read one node at a time in turn. A
 * restarted node counts from 0: its calls between the last reading and its end are unknown, so the count is then too low
 * by the calls of a second or two.
 */
export async function watchRedisCalls({ topology, direct }: Pick<Regions, 'topology' | 'direct'>): Promise<{
  stop(): Promise<number>;
}> {
  const nodes = topology.nodes.map(({ name }) => ({ client: connectDirect(direct(name)), last: 0 }));
  let calls = 0;
  const read = async (node: (typeof nodes)[number] | undefined, isFirst = false) => {
    if (node === undefined) return;
    const now = await callsOf(node.client).catch(() => undefined);
    if (now === undefined) return;
    if (!isFirst) calls += now < node.last ? now : now - node.last;
    node.last = now;
  };
  for (const node of nodes) await read(node, true);
  const stopped = new AbortController();
  const readInTurn = async () => {
    for (let next = 0; !stopped.signal.aborted; next++) {
      await read(nodes[next % nodes.length]);
      await setTimeout(EVERY_MS, undefined, { signal: stopped.signal }).catch(() => {});
    }
  };
  const reading = readInTurn();
  return {
    async stop() {
      stopped.abort();
      await reading;
      for (const node of nodes) await read(node);
      for (const { client } of nodes) client.disconnect();
      return calls;
    },
  };
}

async function callsOf(client: Redis): Promise<number> {
  const stats = await client.info('commandstats');
  return CALLS.reduce((sum, command) => {
    const [, calls = '0'] = new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats) ?? [];
    return sum + Number(calls);
  }, 0);
}
