import { OpenclawError } from '../../core/errors.ts';
import { waitUntilAnswers } from '../form-cluster.ts';
import { type Endpoint, type NodeControl, plannedNode } from '../provider.ts';
import type { Topology } from '../topology.ts';
import { until } from '../until.ts';
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

const START_MS = 10_000;
const GONE_MS = 5_000;
const STORED = ['appendonlydir', 'dump.rdb'];

/** What can be done to the nodes of a cluster of containers. */
export function controlContainers({ owner, project, topology, direct }: DockerNodes): NodeControl {
  const never = new AbortController().signal;
  const find = async (node: string) => {
    const container = (await listContainers(owner)).find(({ role }) => role === node);
    if (container !== undefined) return container;
    throw new OpenclawError('ENVIRONMENT_FAILED', `the container of ${node} is gone`);
  };
  const findRunning = async (node: string) => {
    const container = await find(node);
    if (container.state === 'running' || container.state === 'paused') return container;
    throw new OpenclawError('ENVIRONMENT_FAILED', `${node} does not run`);
  };
  const start = async (node: string) => {
    const { id, state } = await find(node);
    if (state === 'running' || state === 'paused') return;
    await docker(['start', id]);
    await waitUntilAnswers(node, direct(node), { withinMs: START_MS, signal: never });
  };
  const resume = async (node: string) => {
    const { id, state } = await find(node);
    if (state === 'paused') await docker(['unpause', id]);
  };
  return {
    async kill(node) {
      const { id } = await findRunning(node);
      await docker(['kill', id]);
      await until(`${node} to be gone`, GONE_MS, never, async () => {
        const { state } = await find(node);
        return state === 'exited' ? undefined : `it is ${state}`;
      });
    },
    start,
    async startEmpty(node) {
      const { state } = await find(node);
      if (state === 'running' || state === 'paused')
        throw new OpenclawError('ENVIRONMENT_FAILED', `${node} runs: it cannot be emptied`);
      // By the container of its region, which has its volume too: one more container takes longer than a failover may.
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
      throw new OpenclawError(
        'ENVIRONMENT_FAILED',
        `the clock of ${node} cannot be stepped: it is a container`,
        {
          hint: 'use local regions: --provider local',
        },
      );
    },
    async heal(node) {
      await resume(node);
      await start(node);
    },
  };
}
