import type { Recorder } from '../../load/recorder.ts';
import type { RoleWatch } from '../../regions/cluster/role-watch.ts';
import { nodesOf, type Regions } from '../../regions/provider.ts';
import type { Cleanup } from '../cleanup.ts';
import type { HistoryFile } from '../history-file.ts';
import { watchClocks } from './clock-watch.ts';
import { recordRoles } from './record-roles.ts';

/** What is watched of the nodes during a run. */
export interface Watches {
  readonly roles: RoleWatch;
  stop(): Promise<void>;
}

export interface WatchedRun {
  readonly recorder: Recorder;
  readonly history: HistoryFile;
  readonly cleanup: Cleanup;
  /** The region whose nodes have their roles watched; absent: all. */
  readonly region?: string | undefined;
}

/** Records the clocks of all nodes, and the roles of those of the region. */
export async function watchNodes(
  regions: Regions,
  { recorder, history, cleanup, region }: WatchedRun,
): Promise<Watches> {
  const clocks = await watchClocks(regions, recorder, history);
  cleanup.add('stop watching clocks', clocks.stop);
  const roles = await recordRoles(
    region === undefined ? regions : onlyOf(regions, region),
    recorder,
    history,
  );
  cleanup.add('stop watching roles', roles.stop);
  return {
    roles,
    async stop() {
      await roles.stop();
      await clocks.stop();
    },
  };
}

function onlyOf({ topology, direct }: Regions, region: string): Pick<Regions, 'topology' | 'direct'> {
  return { topology: { ...topology, nodes: nodesOf(topology, region) }, direct };
}

/** A sentence for each part that does not respond although the load is over and every fault is healed. */
export async function findProblems({ links }: Regions, roles: RoleWatch): Promise<string[]> {
  const toxiproxy = (await links.state())
    .filter(({ silent }) => silent !== undefined)
    .map(({ from, silent }) => `the Toxiproxy of ${from} is not responding: ${silent}`);
  const silent = [...roles.current()].filter(([, { role }]) => role === 'down').map(([node]) => node);
  return [
    ...new Set(toxiproxy),
    ...(silent.length === 0 ? [] : [`not responding at the end of the run: ${silent.join(', ')}`]),
  ];
}
