import { describe, expect, it } from 'vitest';
import type { Machine } from './machines.ts';
import { busyOf, type DockerTask, describeTasks } from './tasks.ts';

const M1: Machine = {
  ...{ id: 'id1', name: 'm1', address: '10.0.0.1', region: 'a' },
  ...{ state: 'ready', availability: 'active' },
};
const DOWN: Machine = { ...M1, state: 'down' };

function taskOf(status: Partial<DockerTask['Status']>, given: Partial<DockerTask> = {}): DockerTask {
  return {
    ID: 'task1',
    CreatedAt: '2026-03-01T12:00:00.1Z',
    NodeID: 'id1',
    Spec: { ContainerSpec: { Image: 'openclaw-rl', Labels: { 'openclaw-rl.service': 'load-a' } } },
    Status: { State: 'running', Message: 'started', ...status },
    ...given,
  };
}

const LATER = { CreatedAt: '2026-03-01T12:00:09.1Z' };
const EXIT_3 = { State: 'failed', Err: 'task: non-zero exit (3)', ContainerStatus: { ExitCode: 3 } };
const BUSY =
  'starting container failed: unable to remount dir as readonly: mount tmpfs:/secrets: device or resource busy';
const NOWHERE = {
  State: 'pending',
  Err: 'no suitable node (scheduling constraints not satisfied on 3 nodes)',
};

function describeOne(tasks: DockerTask[], { machines = [M1], isJob = true, again = '' } = {}) {
  return describeTasks(
    tasks,
    machines,
    () => isJob,
    (id) => id === again,
  );
}

describe('a task', () => {
  it.each([
    { title: 'runs', status: {}, want: { state: 'running' } },
    {
      title: 'waits',
      status: { State: 'preparing', Message: 'preparing' },
      want: { state: 'waiting', why: 'preparing' },
    },
    { title: 'is done', status: { State: 'complete' }, want: { state: 'done', exitCode: 0 } },
    { title: 'fails', status: EXIT_3, want: { state: 'failed', why: EXIT_3.Err, exitCode: 3 } },
    {
      title: 'cannot start',
      status: {
        ...{ State: 'failed', Err: 'starting container failed: exec: "x": not found' },
        ContainerStatus: { ExitCode: 128 },
      },
      want: { state: 'failed', why: 'starting container failed: exec: "x": not found' },
    },
    {
      title: 'is ended after its machine was away',
      status: { State: 'shutdown', Message: 'shutdown' },
      want: { state: 'failed', why: 'Docker ended it: its machine was away or takes no tasks' },
    },
    { title: 'is lost', status: { State: 'orphaned' }, want: { state: 'lost' } },
  ])('$title', ({ status, want }) =>
    expect(describeOne([taskOf(status)])).toEqual([{ service: 'load-a', machine: 'm1', ...want }]),
  );

  it('without its image fails, with the commands that copy it', () => {
    const [task] = describeOne([taskOf({ State: 'rejected', Err: 'No such image: openclaw-rl:latest' })]);
    expect(task?.state).toBe('failed');
    expect(task?.why).toContain('docker save openclaw-rl | ssh m1 docker load');
  });

  it('that no machine takes fails at once', () => {
    const [task] = describeOne([taskOf(NOWHERE, { NodeID: '' })]);
    expect(task).toMatchObject({ state: 'failed', machine: '' });
    expect(task?.why).toContain('openclaw-rl doctor --engine swarm');
  });

  it('is lost while its machine is down, even if Docker has another wait for it', () => {
    const lost = [{ service: 'load-a', machine: 'm1', state: 'lost' }];
    expect(describeOne([taskOf({})], { machines: [DOWN] })).toEqual(lost);
    const both = [taskOf({}), taskOf(NOWHERE, { ...LATER, NodeID: '' })];
    expect(describeOne(both, { machines: [DOWN] })).toEqual(lost);
  });

  it('that ended before its machine was down is not lost', () =>
    expect(describeOne([taskOf(EXIT_3)], { machines: [DOWN] })).toMatchObject([
      { state: 'failed', exitCode: 3 },
    ]));

  it('of a service that started again counts as failed', () => {
    const tasks = [taskOf({ State: 'shutdown' }), taskOf({}, LATER)];
    const [task] = describeOne(tasks, { isJob: false });
    expect(task).toMatchObject({ state: 'failed', machine: 'm1' });
    expect(task?.why).toContain('started it again');
  });

  describe('with a busy mount', () => {
    const busy = taskOf({ State: 'failed', Err: BUSY });

    it('waits while it is started again, and has failed where it is not', () => {
      const waits = { state: 'waiting', why: `starting it again: ${BUSY}` };
      expect(describeOne([busy], { again: 'task1' })).toMatchObject([waits]);
      expect(describeOne([busy])).toMatchObject([{ state: 'failed', why: BUSY }]);
    });

    it('has not run: the next one is the first', () =>
      expect(describeOne([busy, taskOf({}, { ...LATER, ID: 'task2' })], { isJob: false })).toMatchObject([
        { state: 'running' },
      ]));

    it('is started again, unless its service ran before', () => {
      const later = { ...busy, ...LATER, ID: 'task2' };
      expect(busyOf([busy, later])).toEqual([{ service: 'load-a', id: 'task2' }]);
      expect(busyOf([taskOf({ State: 'shutdown' }), later])).toEqual([]);
      expect(busyOf([busy, taskOf({}, { ...LATER, ID: 'task2' })])).toEqual([]);
    });

    it('is none that ran', () => {
      const ended = taskOf({ ...EXIT_3, Err: 'umount: device or resource busy' });
      const tasks = [ended, taskOf({}, { ...LATER, ID: 'task2' })];
      expect(describeOne(tasks, { isJob: false })).toMatchObject([{ state: 'failed' }]);
    });
  });
});

it('has one task for each service', () => {
  const other = taskOf(
    {},
    { Spec: { ContainerSpec: { Image: 'x', Labels: { 'openclaw-rl.service': 'b' } } } },
  );
  expect(describeOne([taskOf({}), other]).map(({ service }) => service)).toEqual(['load-a', 'b']);
});
