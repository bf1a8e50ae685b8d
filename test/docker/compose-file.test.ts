import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { nodeAddress } from '../../src/regions/docker/addresses.ts';
import { composeFile } from '../../src/regions/docker/compose-file.ts';
import { makeProxies } from '../../src/regions/docker/toxiproxies.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../../src/topology/topology.ts';
import { dockerLack, withDocker } from '../support/docker.ts';

const FILE = join(import.meta.dirname, '../../compose/three-regions.yaml');
const THREE = planTopology(DEFAULT_TOPOLOGY);

interface Service {
  readonly labels: Record<string, string>;
  readonly ports?: readonly string[];
  readonly network_mode?: string;
  readonly restart: string;
  readonly mem_limit: string;
}

describe('the Compose file', () => {
  /** After a change of the generator: npx vitest run test/docker/compose-file.test.ts -u */
  it('is committed for three regions as generated', async () => {
    await expect(composeFile(THREE)).toMatchFileSnapshot(FILE);
  });

  it.each([
    { title: 'three regions', topology: THREE },
    {
      title: 'nine regions with eight replicas',
      topology: planTopology({ ...DEFAULT_TOPOLOGY, regions: [...'abcdefghi'], replicas: 8 }),
    },
  ])('publishes on 127.0.0.1 alone, labels and limits everything, for $title', ({ topology }) => {
    const file = parse(composeFile(topology), { merge: true, maxAliasCount: -1 });
    const services = Object.values(file.services) as Service[];
    expect(services).toHaveLength(2 * topology.regions.length + topology.nodes.length);
    for (const { labels, ports = [], restart, mem_limit } of services) {
      expect(Object.keys(labels)).toEqual(['openclaw-rl', 'openclaw-rl.start', 'openclaw-rl.role']);
      expect(ports.every((port) => port.startsWith('127.0.0.1::'))).toBe(true);
      expect([restart, mem_limit]).toEqual(['no', expect.stringMatching(/^\d+m$/)]);
    }
    for (const one of [file.networks.default, ...Object.values<Service>(file.volumes)])
      expect(Object.keys(one.labels)).toEqual(['openclaw-rl', 'openclaw-rl.start']);
  });

  it('has a Toxiproxy at the announced address of every node of another region', () => {
    const listening = makeProxies(THREE, 'us-east').map(({ listen }) => listen);
    for (const node of THREE.nodes.filter(({ region }) => region !== 'us-east')) {
      const { host, port, busPort } = nodeAddress(THREE, node);
      expect(listening).toEqual(expect.arrayContaining([`${host}:${port}`, `${host}:${busPort}`]));
    }
    expect(new Set(listening).size).toBe(listening.length);
  });

  it.skipIf(dockerLack !== undefined)(`is valid for ${withDocker}`, async () => {
    const { stderr } = await promisify(execFile)('docker', ['compose', '-f', FILE, 'config', '--quiet']);
    expect(stderr).toBe('');
  });
});
