import { describe, expect, it } from 'vitest';
import { checkAddresses, diagnoseSwarm, lackOf, type Machine, type SwarmFacts } from './machines.ts';

function machineOf(name: string, given: Partial<Machine> = {}): Machine {
  const ready = { state: 'ready', availability: 'active' };
  return { ...{ id: `id of ${name}`, name, address: `10.0.0.${name.slice(1)}` }, ...ready, ...given };
}

const READY: SwarmFacts = {
  ...{ engine: { version: '26.1.5' }, state: 'active', isManager: true, nodeId: 'id of m1' },
  ...{ address: '10.0.0.1', managers: ['10.0.0.1:2377'], subnetSize: 24 },
  machines: [machineOf('m1', { region: 'a' }), machineOf('m2', { region: 'b' }), machineOf('m3')],
};

const markOf = (facts: Partial<SwarmFacts>, regions = ['a', 'b']) => {
  const found = lackOf(diagnoseSwarm({ ...READY, ...facts }, regions));
  return found === undefined ? undefined : `${found.message}\n${found.hint}`;
};

describe('a swarm', () => {
  it('can run a plan if each region has a machine', () => expect(markOf({})).toBeUndefined());

  it.each<{ title: string; facts: Partial<SwarmFacts>; regions?: string[]; says: string[] }>([
    {
      title: 'no docker',
      facts: { engine: { lack: 'docker was not found', mend: 'install Docker Engine' } },
      says: ['docker: docker was not found', 'install Docker Engine'],
    },
    {
      title: 'an old engine',
      facts: { engine: { version: '19.03.8' } },
      says: ['docker: 19.03.8; jobs need at least 20.10'],
    },
    {
      title: 'no swarm',
      facts: { state: 'inactive', isManager: false, machines: [] },
      says: ['this machine is in no swarm', 'docker swarm init --advertise-addr'],
    },
    { title: 'a locked swarm', facts: { state: 'locked', isManager: false }, says: ['docker swarm unlock'] },
    {
      title: 'a worker',
      facts: { isManager: false, machines: [] },
      says: ['this machine is a worker', 'run it on a manager (10.0.0.1:2377)', 'docker node promote'],
    },
    {
      title: 'a region without a machine',
      facts: {},
      regions: ['a', 'c'],
      says: [
        'c: no machine has the label openclaw.region=c; without a label: m3',
        'docker node update --label-add openclaw.region=c m3',
      ],
    },
    {
      title: 'a machine that is down',
      facts: {
        machines: [machineOf('m1', { region: 'a' }), machineOf('m2', { region: 'b', state: 'down' })],
      },
      says: ['b: m2 at 10.0.0.2 is down', 'docker node ls'],
    },
    {
      title: 'a drained machine',
      facts: {
        machines: [machineOf('m1', { region: 'a' }), machineOf('m2', { region: 'b', availability: 'drain' })],
      },
      says: ['m2 takes no tasks (drain)', 'docker node update --availability active m2'],
    },
  ])('names $title, and the way out', ({ facts, regions, says }) => {
    for (const text of says) expect(markOf(facts, regions)).toContain(text);
  });

  it.each([
    {
      title: 'one each',
      machines: ['m1', 'm2', 'm3'],
      want: { 'us-east': 'm1', 'eu-west': 'm2', 'ap-south': 'm3' },
    },
    {
      title: 'those that are called like them',
      machines: ['ap-south', 'spare', 'node-eu-west-1', 'us-east'],
      want: { 'us-east': 'us-east', 'eu-west': 'node-eu-west-1', 'ap-south': 'ap-south' },
    },
    {
      title: 'those that are left, and no machine twice',
      machines: ['ap-south', 'm2'],
      want: { 'us-east': 'm2', 'eu-west': '<machine of docker node ls>', 'ap-south': 'ap-south' },
    },
  ])('proposes machines for regions without one: $title', ({ machines, want }) => {
    const checks = diagnoseSwarm(
      { ...READY, machines: machines.map((name) => machineOf(name)) },
      Object.keys(want),
    );
    expect(checks.flatMap(({ mend = [] }) => mend)).toEqual(
      Object.entries(want).map(
        ([region, machine]) => `docker node update --label-add openclaw.region=${region} ${machine}`,
      ),
    );
  });

  it('proposes a machine that takes tasks before one that is down', () => {
    const machines = [machineOf('m1', { state: 'down' }), machineOf('m2')];
    expect(markOf({ machines }, ['a'])).toContain('openclaw.region=a m2');
  });

  it('can run a plan although another machine of the region is down', () => {
    const machines = [...READY.machines, machineOf('m4', { region: 'a', state: 'down' })];
    expect(markOf({ machines })).toBeUndefined();
  });
});

describe('the network of a stack', () => {
  it.each([
    { containers: 250, subnetSize: 24 },
    { containers: 379, subnetSize: 20 },
  ])(
    '/$subnetSize has addresses for $containers containers on three machines',
    ({ containers, subnetSize }) =>
      expect(() => checkAddresses({ ...READY, subnetSize }, containers)).not.toThrow(),
  );

  it('is refused before it is full', () =>
    expect(() => checkAddresses(READY, 251)).toThrow(
      'the run has 251 containers, and a network of this swarm (/24) has addresses for 250',
    ));
});
