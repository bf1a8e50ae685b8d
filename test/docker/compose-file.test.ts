import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { nodeAddress } from '../../src/regions/docker/addresses.ts';
import { composeFile } from '../../src/regions/docker/compose-file.ts';
import { makeProxies } from '../../src/regions/docker/toxiproxies.ts';
import { DEFAULT_TOPOLOGY, everyServer, planTopology } from '../../src/topology/topology.ts';
import { dockerLack, withDocker } from '../support/docker.ts';

const FILE = join(import.meta.dirname, '../../compose/three-regions.yaml');
const THREE = planTopology(DEFAULT_TOPOLOGY);
const SINGLE = planTopology({ ...DEFAULT_TOPOLOGY, kind: 'single', replicas: 0 });
const SENTINELS = planTopology({ ...DEFAULT_TOPOLOGY, kind: 'sentinel', replicas: 2 });

interface Service {
  readonly labels: Record<string, string>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly network_mode?: string;
  readonly restart: string;
  readonly mem_limit: string;
  readonly environment?: Record<string, string>;
  readonly entrypoint?: string[];
  readonly command?: string[];
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
    { title: 'one server', topology: SINGLE },
    { title: 'a primary, replicas and Sentinels', topology: SENTINELS },
  ])('publishes on 127.0.0.1 alone, labels and limits everything, for $title', ({ topology }) => {
    const file = parse(composeFile(topology), { merge: true, maxAliasCount: -1 });
    const services = Object.values(file.services) as Service[];
    expect(services).toHaveLength(2 * topology.regions.length + everyServer(topology).length);
    for (const { labels, ports = [], volumes = [], restart, mem_limit } of services) {
      expect(Array.isArray(volumes)).toBe(true);
      expect(Object.keys(labels)).toEqual(['openclaw-rl', 'openclaw-rl.start', 'openclaw-rl.role']);
      expect(ports.every((port) => port.startsWith('127.0.0.1::'))).toBe(true);
      expect([restart, mem_limit]).toEqual(['no', expect.stringMatching(/^\d+m$/)]);
    }
    for (const one of [file.networks.default, ...Object.values<Service>(file.volumes)])
      expect(Object.keys(one.labels)).toEqual(['openclaw-rl', 'openclaw-rl.start']);
  });

  it.each([
    { title: 'node', topology: THREE, hasBus: true },
    { title: 'server', topology: SINGLE, hasBus: false },
    { title: 'node and Sentinel', topology: SENTINELS, hasBus: false },
  ])('has a Toxiproxy at the announced address of every $title of another region', ({ topology, hasBus }) => {
    const listening = makeProxies(topology, 'eu-west').map(({ listen }) => listen);
    for (const server of everyServer(topology)) {
      const { host, port, busPort } = nodeAddress(topology, server);
      const isAbroad = server.region !== 'eu-west';
      expect(listening.includes(`${host}:${port}`)).toBe(isAbroad);
      expect(listening.includes(`${host}:${busPort}`)).toBe(isAbroad && hasBus);
    }
    expect(new Set(listening).size).toBe(listening.length);
  });

  it('gives Sentinels and the nodes that they order a first file, and all the addresses at which others see them', () => {
    const { services } = parse(composeFile(SENTINELS), { merge: true, maxAliasCount: -1 });
    const { environment, command }: Service = services['node-eu-west-0'];
    expect(environment?.FIRST_CONFIG).toBe('replicaof 127.77.1.1 6379');
    expect(command?.join(' ')).toMatch(/--replica-announce-ip 127\.77\.2\.1 --replica-announce-port 6379/);
    expect(command).not.toContain('--cluster-enabled');
    const sentinel: Service = services['node-eu-west-sentinel'];
    expect(sentinel.environment?.FIRST_CONFIG).toMatch(
      /^sentinel monitor primary 127\.77\.1\.1 6379 2\n[\s\S]*announce-ip 127\.77\.2\.3\nsentinel announce-port 6381$/,
    );
    expect(sentinel.command?.[0]).toBe('--sentinel');
    expect(services['node-us-east-0'].environment.FIRST_CONFIG).toBe('');
  });

  it.skipIf(dockerLack !== undefined)(`is valid for ${withDocker}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const ofSentinels = join(folder, 'compose.yaml');
    writeFileSync(ofSentinels, composeFile(SENTINELS));
    for (const file of [FILE, ofSentinels]) {
      const { stderr } = await promisify(execFile)('docker', ['compose', '-f', file, 'config', '--quiet']);
      expect(stderr).toBe('');
    }
  });
});
