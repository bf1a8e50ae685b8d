import { environmentFailed } from '../../core/errors.ts';
import type { Topology } from '../../topology/topology.ts';
import { waitUntilAnswers } from '../cluster/form-cluster.ts';
import { type Endpoint, type NodeControl, plannedNode } from '../provider.ts';
import { setOurPeriods } from '../sentinel/periods.ts';
import { waitFor } from '../waiting.ts';
import { regionHost, storageIn } from './addresses.ts';
import { docker } from './docker.ts';
import { listContainers, type Owner } from './owned-containers.ts';
import { containerName } from './published.ts';

export interface DockerNodes {
  readonly owner: Owner;
  readonly project: string;
  readonly topology: Topology;
  direct(node: string): Endpoint;
}

const START_MS = 20_000;
const GONE_MS = 5_000;
const STORED = ['appendonlydir', 'dump.rdb'];

/** Controls the nodes of a cluster of containers. */
export function controlContainers({ owner, project, topology, direct }: DockerNodes): NodeControl {
  const never = new AbortController().signal;
  const find = async (node: string) => {
    const container = (await listContainers(owner)).find(({ role }) => role === node);
    if (container !== undefined) return container;
    throw environmentFailed(`the container of ${node} no longer exists`);
  };
  const findRunning = async (node: string) => {
    const container = await find(node);
    if (container.state === 'running' || container.state === 'paused') return container;
    throw environmentFailed(`${node} is not running`);
  };
  const start = async (node: string) => {
    const { id, state } = await find(node);
    if (state === 'running' || state === 'paused') return;
    await docker(['start', id]);
    await waitUntilAnswers(node, direct(node), { withinMs: START_MS, signal: never });
    await setOurPeriods(topology, node, direct(node));
  };
  const resume = async (node: string) => {
    const { id, state } = await find(node);
    if (state === 'paused') await docker(['unpause', id]);
  };
  return {
    async kill(node) {
      const { id } = await findRunning(node);
      await docker(['kill', id]);
      await waitFor(`${node} to stop`, GONE_MS, never, async () => {
        const { state } = await find(node);
        return state === 'exited' ? undefined : `it is ${state}`;
      });
    },
    start,
    async startEmpty(node) {
      const { state } = await find(node);
      if (state === 'running' || state === 'paused')
        throw environmentFailed(`${node} is running: it cannot be emptied`);
      // The container of its region has the volume too. Starting another container would take longer than a failover.
      const region = containerName(project, regionHost(plannedNode(topology, node).region));
      const paths = STORED.map((name) => `${storageIn(node)}/${name}`);
      await docker(['exec', '--user', '0', region, 'rm', '-rf', ...paths]);
      await start(node);
    },
    async pause(node) {
      const { id, state } = await findRunning(node);
      if (state === 'running') await docker(['pause', id]);
    },
    resume,
    async stepClock(node) {
      throw environmentFailed(
        `the clock of ${node} cannot be stepped: the node is a container`,
        'use local regions: --provider local',
      );
    },
    async heal(node) {
      await resume(node);
      await start(node);
    },
  };
}
