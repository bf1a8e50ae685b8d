import { describe, expect, it } from 'vitest';
import { parsePromise } from '../core/promise.ts';
import { parseEndpoints } from '../scenario/endpoints/parse.ts';
import { parseScenario } from '../scenario/parse.ts';
import { planTopology } from '../topology/topology.ts';
import {
  byName,
  countContainers,
  type DeployedService,
  type Deployment,
  FILES,
  foundation,
  measuredServices,
  SECRETS,
} from './deployment.ts';

const MEASURED = {
  ...{ name: 'openclaw-1', prefix: 'rate:run-1', clockUrl: 'http://10.0.0.1:7070' },
  ...{ startAt: '2026-03-01T12:30:00.000Z', run: 'openclaw-1', files: { 'x.yaml': '{}' } },
};

function planOf(written: object = {}) {
  const about = { load: { duration: '20s' }, claims: ['total-excess <= bound'] };
  return parseScenario(`# why\n${JSON.stringify({ ...about, ...written })}`, { file: 'x.yaml' });
}

function endpointsOf(written: object) {
  return parseEndpoints(JSON.stringify(written), 'x.yaml');
}

const TWO_SERVERS = endpointsOf({
  kind: 'single',
  regions: ['us-east', 'eu-west', 'ap-south'],
  nodes: [{ name: 'one', region: 'eu-west', address: 'rediss://redis.example.com:6380' }],
  tls: { ca: 'certificates/ca.pem' },
});

const namesOf = ({ services }: Deployment) => services.map(({ name }) => name);

function commandOf({ services }: Deployment, name: string): string {
  return services.find((service) => service.name === name)?.command.join(' ') ?? '';
}

describe('the foundation', () => {
  it('is the planned nodes, each in its region, and a job that forms their cluster', () => {
    const deployment = foundation(planOf(), { name: 'it' });
    expect(namesOf(deployment)).toEqual([
      ...['redis-us-east-0', 'redis-eu-west-0', 'redis-ap-south-0'],
      ...['redis-eu-west-1', 'redis-ap-south-1', 'redis-us-east-1', 'form'],
    ]);
    expect(deployment.services[3]).toMatchObject({ role: 'redis', region: 'eu-west', isJob: false });
    expect(deployment.services.at(-1)).toMatchObject({ role: 'form', region: 'us-east', isJob: true });
    expect(commandOf(deployment, 'redis-us-east-0')).toContain('--cluster-enabled yes');
    expect(commandOf(deployment, 'form')).toBe(`openclaw-rl form ${FILES}/endpoints.yaml --replicas 1`);
  });

  it('lists in its endpoints file the k-th node of a region as its number k', () => {
    const plan = planOf({ topology: { replicas: 2 } });
    const { files } = foundation(plan, { name: 'it' });
    const { kind, nodes } = parseEndpoints(files['endpoints.yaml'] ?? '', 'endpoints.yaml');
    expect(kind).toBe('cluster');
    const ofRegion = (region: string) => nodes.filter((node) => node.region === region);
    for (const { name, region, index } of planTopology(plan.topology).nodes)
      expect(ofRegion(region)[index]).toEqual({
        name,
        region,
        address: { host: `redis-${name}`, port: 6_379 },
      });
  });

  it('is separate servers for a strategy with a bucket in each region', () => {
    const deployment = foundation(planOf({ strategy: 'active-active' }), { name: 'it' });
    expect(namesOf(deployment)).toEqual(['redis-us-east-0', 'redis-eu-west-0', 'redis-ap-south-0', 'form']);
    expect(commandOf(deployment, 'redis-us-east-0')).not.toContain('cluster');
    expect(deployment.files['endpoints.yaml']).toContain('kind: single');
  });

  it('of endpoints is a look from every region', () => {
    const options = { name: 'it', endpoints: TWO_SERVERS, ca: 'PEM', allowsEviction: true };
    const deployment = foundation(planOf(), options);
    expect(namesOf(deployment)).toEqual(['look-us-east', 'look-eu-west', 'look-ap-south']);
    expect(commandOf(deployment, 'look-eu-west')).toBe(
      'openclaw-rl doctor --endpoints /openclaw-rl/endpoints.yaml --allow-eviction',
    );
    expect(deployment.files['ca.pem']).toBe('PEM');
    expect(deployment.files['endpoints.yaml']).toContain('ca: ca.pem');
  });

  it('listens on all addresses, or on the one of a name', () => {
    const plan = planOf();
    const own = byName;
    expect(commandOf(foundation(plan, { name: 'it' }), 'redis-us-east-0')).toContain('--bind 0.0.0.0');
    expect(commandOf(foundation(plan, { name: 'it', host: own }), 'redis-us-east-0')).toContain(
      '--bind redis-us-east-0',
    );
    expect(commandOf(measuredServices(plan, { ...MEASURED, host: own }), 'gateway-us-east')).toContain(
      '--host gateway-us-east ',
    );
  });
});

describe('the containers of a run', () => {
  it.each([
    { title: 'of planned nodes', endpoints: undefined },
    { title: 'of endpoints', endpoints: TWO_SERVERS },
  ])('$title are as many as both deployments have', ({ endpoints }) => {
    const plan = planOf({ instances: 2 });
    const options = { ...MEASURED, ...(endpoints && { endpoints }) };
    const deployments = [foundation(plan, options), measuredServices(plan, options)];
    expect(countContainers(plan, endpoints)).toBe(deployments.flatMap(namesOf).length);
  });
});

describe('the measured services', () => {
  it('are gateway, Rating services and load of each region', () => {
    const { services, files } = measuredServices(planOf({ instances: 2 }), MEASURED);
    const inEurope = services.filter(({ region }) => region === 'eu-west');
    expect(
      inEurope.map(
        ({ name, role, isJob, port }): Partial<DeployedService> => ({
          name,
          role,
          isJob,
          ...(port && { port }),
        }),
      ),
    ).toEqual([
      { name: 'rating-eu-west-1', role: 'rating', isJob: false, port: 8_080 },
      { name: 'rating-eu-west-2', role: 'rating', isJob: false, port: 8_080 },
      { name: 'gateway-eu-west', role: 'gateway', isJob: false, port: 8_080 },
      { name: 'load-eu-west', role: 'load', isJob: true },
    ]);
    expect(Object.keys(files)).toEqual(['x.yaml', 'endpoints.yaml']);
  });

  it('have the arguments of the services of one machine', () => {
    const deployment = measuredServices(planOf({ policy: '20:5/s', onFailure: 'local-share' }), MEASURED);
    expect(commandOf(deployment, 'rating-us-east-1')).toBe(
      'openclaw-rl serve rating --region us-east --host 0.0.0.0 --port 8080 --redis redis://redis-us-east-0:6379 ' +
        '--redis redis://redis-us-east-1:6379 --cluster --strategy central --evidence --on-failure local-share:3 ' +
        '--policy 20:5/s --prefix rate:run-1',
    );
    expect(commandOf(deployment, 'gateway-us-east')).toBe(
      'openclaw-rl serve gateway --region us-east --host 0.0.0.0 --port 8080 --upstream http://rating-us-east-1:8080',
    );
    expect(commandOf(deployment, 'load-us-east')).toBe(
      'openclaw-rl load /openclaw-rl/x.yaml --endpoints /openclaw-rl/endpoints.yaml ' +
        '--gateway http://gateway-us-east:8080 --part us-east --clock http://10.0.0.1:7070 ' +
        '--start-at 2026-03-01T12:30:00.000Z --run openclaw-1 --send --json',
    );
  });

  it('know the Redis of other regions if the strategy needs them', () => {
    const deployment = measuredServices(planOf({ strategy: 'active-active' }), MEASURED);
    expect(commandOf(deployment, 'rating-eu-west-1')).toContain(
      '--redis redis://redis-eu-west-0:6379 --other us-east=redis://redis-us-east-0:6379 ' +
        '--other ap-south=redis://redis-ap-south-0:6379',
    );
  });

  it('find endpoints, and the file of their authority', () => {
    const deployment = measuredServices(planOf(), { ...MEASURED, endpoints: TWO_SERVERS, ca: 'PEM' });
    expect(commandOf(deployment, 'rating-us-east-1')).toContain(
      '--redis rediss://redis.example.com:6380 --ca /openclaw-rl/ca.pem --strategy',
    );
    expect(Object.keys(deployment.files)).toEqual(['x.yaml', 'endpoints.yaml', 'ca.pem']);
  });

  it('get passwords where they log in', () => {
    const roles = Object.entries(SECRETS).filter(([, names]) => names.includes('REDIS_PASSWORD'));
    expect(roles.map(([role]) => role)).toEqual(['look', 'rating', 'load']);
  });

  it('have a plug-in by its base name', () => {
    const plan = { ...planOf(), limiter: '/home/ada/mine.mjs', strategy: 'plugin:mine.mjs' };
    const deployment = measuredServices(plan, MEASURED);
    expect(commandOf(deployment, 'rating-us-east-1')).toContain('--limiter /openclaw-rl/mine.mjs --policy');
    expect(commandOf(deployment, 'load-us-east')).not.toContain('--promise');
  });

  it('record the promise by which the run is judged', () => {
    const promise = parsePromise('fixed-window:20/4s:first');
    const deployment = measuredServices(planOf(), { ...MEASURED, promise });
    expect(commandOf(deployment, 'load-us-east')).toContain(' --promise fixed-window:20/4s:first');
  });
});
