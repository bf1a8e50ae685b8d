import type { Redis } from 'ioredis';
import type { Recorder } from '../../load/recorder.ts';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import { readServerTime } from '../../regions/cluster/server-time.ts';
import type { Regions } from '../../regions/provider.ts';
import type { HistoryFile } from '../history-file.ts';

const EVERY_MS = 250;

/**
 * Reads the clock of every node during a run, directly: through a Toxiproxy the error would be half the round trip. The
 * checker bounds drift and steps from these readings. Nodes that do not answer are skipped.
 */
export async function watchClocks(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  recorder: Recorder,
  history: HistoryFile,
): Promise<{ stop(): Promise<void> }> {
  const clients = topology.nodes.map(({ name }) => ({ name, client: connectDirect(direct(name)) }));
  const readOne = async (name: string, client: Redis) => {
    const time = await readServerTime(client, () => recorder.nowUs()).catch(() => undefined);
    if (time !== undefined) history.add({ type: 'clock', node: name, ...time });
  };
  /** Reads all nodes while the machine is idle; during the load one node is read at a time, in turn. */
  const readAll = async () => {
    for (const { name, client } of clients) await readOne(name, client);
  };
  await readAll();
  let next = 0;
  let last = Promise.resolve();
  const timer = setInterval(() => {
    const turn = clients[next++ % clients.length];
    if (turn !== undefined) last = readOne(turn.name, turn.client);
  }, EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await last;
      await readAll();
      for (const { client } of clients) client.disconnect();
    },
  };
}
