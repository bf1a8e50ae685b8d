import { OpenclawError } from '../../core/errors.ts';
import { waitUntilAnswers } from '../form-cluster.ts';
import type { Endpoint, NodeControl } from '../provider.ts';
import { until } from '../until.ts';
import { docker } from './docker.ts';
import { listContainers, type Owner } from './owned-containers.ts';

export interface DockerNodes {
  readonly owner: Owner;
  readonly redisImage: string;
  direct(node: string): Endpoint;
}

const START_MS = 10_000;
const GONE_MS = 5_000;
const STORED = ['/data/appendonlydir', '/data/dump.rdb'];

/** What can be done to the nodes of a cluster of containers. */
export function controlContainers({ owner, redisImage, direct }: DockerNodes): NodeControl {
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
      const { id, state } = await find(node);
      if (state === 'running' || state === 'paused')
        throw new OpenclawError('ENVIRONMENT_FAILED', `${node} runs: it cannot be emptied`);
      const rm = ['--entrypoint', 'rm', redisImage, '-rf', ...STORED];
      await docker(['run', '--rm', '--network', 'none', '--volumes-from', id, ...rm]);
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
