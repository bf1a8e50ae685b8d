import type { Redis } from 'ioredis';
import type { Recorder } from '../load/recorder.ts';
import { readServerTime } from '../regions/clock.ts';
import { connectDirect } from '../regions/form-cluster.ts';
import type { Regions } from '../regions/provider.ts';
import type { HistoryFile } from './history-file.ts';

const EVERY_MS = 250;

/**
 * Reads the clock of every node while a run lasts, straight from the node: through a Toxiproxy the error would
 * be half the round trip. The checker bounds drift and steps from these. A node that does not answer is left out.
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
  /** Of all nodes when the machine is idle; during the load of one at a time, in turn. */
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
