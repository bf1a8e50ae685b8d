import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadPart } from '../../load/parts.ts';
import type { Recorder } from '../../load/recorder.ts';
import type { RoleWatch } from '../../regions/cluster/role-watch.ts';
import { nodesOf, type Regions } from '../../regions/provider.ts';
import type { Cleanup } from '../cleanup.ts';
import type { HistoryFile } from '../history-file.ts';
import { recordServers } from '../parts/server-identities.ts';
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
  /** The share of the load that a part sends; absent: all. */
  readonly share?: LoadPart | undefined;
}

/**
 * Records the clocks of all nodes, and their roles. Of the parts of a region only the first records the roles of its
 * nodes, since a restart that two parts have seen would count twice.
 */
export async function watchNodes(
  regions: Regions,
  { recorder, history, cleanup, share }: WatchedRun,
): Promise<Watches> {
  if (share !== undefined) await recordServers(regions, recorder, history);
  const clocks = await watchClocks(regions, recorder, history);
  cleanup.add('stop watching clocks', clocks.stop);
  const roles = await recordRoles(share === undefined ? regions : ownOf(regions, share), recorder, history);
  cleanup.add('stop watching roles', roles.stop);
  return {
    roles,
    async stop() {
      await roles.stop();
      await clocks.stop();
    },
  };
}

function ownOf(
  { topology, direct }: Regions,
  { region, nth }: LoadPart,
): Pick<Regions, 'topology' | 'direct'> {
  return { topology: { ...topology, nodes: nth === 1 ? nodesOf(topology, region) : [] }, direct };
}

/** A busy node misses single polls of its role. */
const SILENT_MS = 3_000;
const LOOK_MS = 50;

/** A sentence for each part that does not respond although the load is over and every fault is healed. */
export async function findProblems({ links }: Regions, roles: RoleWatch): Promise<string[]> {
  const toxiproxy = (await links.state())
    .filter(({ silent }) => silent !== undefined)
    .map(({ from, silent }) => `the Toxiproxy of ${from} is not responding: ${silent}`);
  const untilMs = performance.now() + SILENT_MS;
  const silentNow = () => [...roles.current()].flatMap(([node, { role }]) => (role === 'down' ? [node] : []));
  while (silentNow().length > 0 && performance.now() < untilMs) await sleep(LOOK_MS);
  const silent = silentNow();
  return [
    ...new Set(toxiproxy),
    ...(silent.length === 0 ? [] : [`not responding at the end of the run: ${silent.join(', ')}`]),
  ];
}
