import { SERVER_EVENT } from '../../history/records/operation.ts';
import type { Recorder } from '../../load/recorder.ts';
import { connectDirect } from '../../regions/cluster/connect-direct.ts';
import type { Regions } from '../../regions/provider.ts';
import type { HistoryFile } from '../history-file.ts';

/**
 * Records which server this machine reaches under the name of each node: the endpoints file of another machine may lead to
 * another one, for example by 127.0.0.1. A node that does not say it is left out.
 */
export async function recordServers(
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
  recorder: Pick<Recorder, 'nowUs'>,
  history: Pick<HistoryFile, 'add'>,
): Promise<void> {
  await Promise.all(
    topology.nodes.map(async ({ name: node }) => {
      const client = connectDirect(direct(node));
      const info = await client.info('server').catch(() => '');
      client.disconnect();
      const runId = /^run_id:(\w+)/m.exec(String(info))?.[1];
      const atUs = Math.floor(recorder.nowUs());
      if (runId !== undefined)
        history.add({ type: 'event', event: SERVER_EVENT, node, atUs, args: { runId } });
    }),
  );
}
