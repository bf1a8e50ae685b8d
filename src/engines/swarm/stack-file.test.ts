import { describe, expect, it } from 'vitest';
import type { DeployedService, Deployment } from '../deployment.ts';
import { stackConfigs, stackFile } from './stack-file.ts';

const STACK = { name: 'openclaw-1', owner: '7:8:', manager: 'm1' };
const LABELS = {
  'openclaw-rl.stack': 'openclaw-1',
  'openclaw-rl.owner': '7:8:',
  'openclaw-rl.manager': 'm1',
};
const OF_LOAD = { ...LABELS, 'openclaw-rl.role': 'load', 'openclaw-rl.service': 'load-a' };
const LOAD: DeployedService = {
  ...{ name: 'load-a', role: 'load', region: 'a', isJob: true },
  command: ['openclaw-rl', 'load', 'cost $5'],
};
const REDIS: DeployedService = {
  ...{ name: 'redis-a-0', role: 'redis', region: 'a', isJob: false, port: 6_379 },
  command: ['redis-server', '--port', '6379'],
};

function documentOf(deployment: Partial<Deployment>, secrets: readonly string[] = []) {
  const whole = { name: 'openclaw-1', services: [LOAD, REDIS], files: {}, ...deployment };
  return JSON.parse(stackFile(whole, { stack: STACK, image: 'openclaw-rl:test', secrets }));
}

describe('the stack file', () => {
  it('places a service by the label of its region, starts it once, and publishes no port', () => {
    const { 'redis-a-0': redis } = documentOf({}).services;
    expect(redis).toMatchObject({
      ...{ image: 'openclaw-rl:test', entrypoint: ['redis-server'], command: ['--port', '6379'] },
      hostname: 'redis-a-0',
      deploy: {
        ...{ replicas: 1, endpoint_mode: 'dnsrr', restart_policy: { condition: 'none' } },
        placement: { constraints: ['node.labels.openclaw.region == a'] },
      },
    });
    expect(redis).not.toHaveProperty('ports');
  });

  it('makes a job of a service that ends by itself', () => {
    const { deploy } = documentOf({}).services['load-a'];
    expect(deploy).toMatchObject({ mode: 'replicated-job', restart_policy: { condition: 'none' } });
    expect(deploy).not.toHaveProperty('replicas');
  });

  it('labels services, containers, the network and configs', () => {
    const { services, networks, configs } = documentOf({ files: { 'a.txt': 'x' } });
    expect(services['load-a'].labels).toEqual(OF_LOAD);
    expect(services['load-a'].deploy.labels).toEqual(OF_LOAD);
    expect(networks.default).toEqual({ driver: 'overlay', attachable: false, labels: LABELS });
    for (const config of Object.values(configs)) expect(config).toMatchObject({ labels: LABELS });
  });

  it('has files as configs of services that read files', () => {
    const { services, configs } = documentOf({ files: { 'a.txt': 'x' } });
    const [[key, config] = []] = Object.entries(configs);
    expect(config).toMatchObject({ file: `./${key}` });
    expect(services['load-a'].configs).toEqual([{ source: key, target: '/openclaw-rl/a.txt' }]);
    expect(services['redis-a-0']).not.toHaveProperty('configs');
  });

  it('gives a secret, by its file, to services that need it', () => {
    const { services, secrets } = documentOf({}, ['OPENCLAW_RL_TOKEN']);
    expect(secrets).toEqual({
      OPENCLAW_RL_TOKEN: { external: true, name: 'openclaw-1_OPENCLAW_RL_TOKEN' },
    });
    expect(services['load-a'].environment).toMatchObject({
      OPENCLAW_RL_TOKEN_FILE: '/run/secrets/OPENCLAW_RL_TOKEN',
    });
    expect(services['load-a'].secrets).toEqual([
      { source: 'OPENCLAW_RL_TOKEN', target: 'OPENCLAW_RL_TOKEN' },
    ]);
    expect(services['redis-a-0']).not.toHaveProperty('secrets');
  });

  it('names machine and task by templates of Docker', () =>
    expect(documentOf({}).services['load-a'].environment).toEqual({
      OPENCLAW_RL_MACHINE: '{{.Node.ID}}',
      OPENCLAW_RL_TASK: '{{.Task.Name}}',
    }));

  it('doubles each $, which would begin a variable', () =>
    expect(documentOf({}).services['load-a'].command).toEqual(['load', 'cost $$5']));
});

describe('configs', () => {
  it('of another text have another name', () => {
    const keyOf = (text: string) => stackConfigs({ files: { 'a.txt': text } }).get('a.txt')?.key;
    expect(keyOf('x')).toMatch(/^file-[0-9a-f]{12}$/);
    expect(keyOf('x')).toBe(keyOf('x'));
    expect(keyOf('x')).not.toBe(keyOf('y'));
  });

  it.each([
    { title: 'takes 500,000 bytes', text: 'é'.repeat(250_000), says: undefined },
    { title: 'refuses 500,001', text: `${'é'.repeat(250_000)}x`, says: 'log.csv has 500001 bytes' },
  ])('$title', ({ text, says }) => {
    const make = () => stackConfigs({ files: { 'log.csv': text } });
    if (says === undefined) expect(make().size).toBe(1);
    else expect(make).toThrow(says);
  });
});
