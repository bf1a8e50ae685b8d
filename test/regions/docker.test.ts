import { describe, expect, it, onTestFinished } from 'vitest';
import { docker } from '../../src/regions/docker/docker.ts';
import { ROLE_LABEL } from '../../src/regions/docker/owned-containers.ts';
import { isolating } from '../../src/regions/pairs.ts';
import { settle } from '../../src/regions/settle.ts';
import { oneWayMs } from '../../src/regions/topology.ts';
import { dockerLack, withDocker } from '../support/docker.ts';
import { startDockerRegions } from '../support/docker-regions.ts';
import { describeProvider } from './contract.ts';

describe.skipIf(dockerLack !== undefined)(withDocker, () => {
  describeProvider('regions of containers', startDockerRegions);

  it('starts a Toxiproxy anew that hangs while it heals, and its links are as planned', async () => {
    const { regions, stop } = await startDockerRegions({ replicas: 0 });
    onTestFinished(stop);
    const { links, topology } = regions;
    const cut = isolating(['eu-west'], topology);
    await links.cut(cut, 'blackhole');
    const toxiproxies = await docker([
      'ps',
      '--filter',
      `label=${ROLE_LABEL}=toxiproxy`,
      '--format',
      '{{.Names}}',
    ]);
    const hanging = toxiproxies.split('\n').find((name) => name.includes('toxiproxy-eu-west')) ?? '';
    await docker(['pause', hanging]);
    expect((await links.state()).some(({ silent }) => silent !== undefined)).toBe(true);

    await links.restore(cut);

    expect(await links.state()).toEqual(
      links.pairs.map((pair) => ({
        ...pair,
        latencyMs: oneWayMs(topology, pair),
        jitterMs: topology.jitterMs,
      })),
    );
    await settle(regions, new AbortController().signal);
  }, 120_000);
});
