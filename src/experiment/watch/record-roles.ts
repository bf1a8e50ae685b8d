import type { Recorder } from '../../load/recorder.ts';
import { type RoleWatch, watchRoles } from '../../regions/cluster/role-watch.ts';
import type { Regions } from '../../regions/provider.ts';
import type { HistoryFile } from '../history-file.ts';

/** Records every change of a node's role and every restart during a run. */
export async function recordRoles(
  regions: Pick<Regions, 'topology' | 'direct'>,
  recorder: Recorder,
  history: HistoryFile,
): Promise<RoleWatch> {
  return watchRoles(regions, {
    nowUs: () => recorder.nowUs(),
    onChange: (change) => {
      const { node } = change;
      const atUs = Math.floor(change.atUs);
      const event =
        change.event === 'role'
          ? { event: 'role', args: { from: change.from, to: change.to, slots: change.slots } }
          : { event: 'restart', args: { empty: change.isEmpty } };
      history.add({ type: 'event', node, atUs, ...event });
    },
  });
}
