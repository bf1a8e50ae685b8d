import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { ALONE, type Probe, type Sight } from '../../src/faults/probes/probe.ts';
import { makeProbe } from '../../src/faults/probes/registry.ts';
import { injectFault } from '../../src/faults/registry.ts';
import type { FaultContext } from '../../src/faults/support/fault.ts';
import { settle } from '../../src/regions/cluster/settle.ts';
import type { Regions } from '../../src/regions/provider.ts';
import { FAULT_NAMES, type FaultSpec } from '../../src/scenario/faults/index.ts';
import { startLocalRegions } from '../support/local-regions.ts';

const signal = new AbortController().signal;
const REGIONS = {
  regions: ['a', 'b', 'c'],
  roundTripMs: { 'a:b': 20, 'a:c': 20, 'b:c': 20 },
  nodeTimeoutMs: 2_500,
};

/** One of each kind, with what its probe says of it and of a system without it. */
const FAULTS: readonly { spec: FaultSpec; yes: RegExp; no: RegExp }[] = [
  {
    spec: { fault: 'partition', mode: 'blackhole', isolate: ['a'] },
    yes: /^no reply to a PING from a to b, a to c, b to a, c to a; every other link had a reply$/,
    no: /^a PING from . to . had a reply after [\d.]+ ms$/,
  },
  {
    spec: { fault: 'partition', mode: 'refuse', from: ['a'], to: ['b', 'c'] },
    yes: /^no reply to a PING from a to b, a to c; an ECHO from b to a, c to a arrived, and its reply did not; every/,
    no: /^a PING from a to . had a reply/,
  },
  {
    spec: { fault: 'latency', between: ['a', 'b'], addMs: 300, jitterMs: 0, rampMs: 0 },
    yes: /^a to b took [\d.]+ ms before and [\d.]+ ms now; b to a took/,
    no: /^. to . took [\d.]+ ms before and [\d.]+ ms now$/,
  },
  {
    spec: { fault: 'latency', between: ['a', 'b'], addMs: 0, jitterMs: 400, rampMs: 0 },
    yes: /^PINGs from a to b differed by [\d.]+ ms before and \d{2,}\.\d ms now; /,
    no: /^PINGs from . to . differed by [\d.]+ ms before and [\d.]+ ms now$/,
  },
  {
    spec: { fault: 'latency', between: ['a', 'b'], addMs: 50, jitterMs: 200, rampMs: 0 },
    yes: /^(?:a to b took|PINGs from a to b differed by)/,
    no: /^(?:. to . took|PINGs from . to . differed by)/,
  },
  {
    spec: { fault: 'latency', between: ['a', 'b'], addMs: 3_000, jitterMs: 0, rampMs: 0 },
    yes: /^a to b took [\d.]+ ms before and more than 1800 ms now; /,
    no: /^. to . took [\d.]+ ms before and [\d.]+ ms now$/,
  },
  {
    spec: { fault: 'bandwidth', between: ['a', 'b'], rateKBps: 100 },
    yes: /^an ECHO of 30000 bytes from a to b took \d+ ms before and \d+ ms now; /,
    no: /^an ECHO of 30000 bytes from . to . took \d+ ms before and \d+ ms now$/,
  },
  {
    spec: { fault: 'drop-reply', regions: ['a'] },
    yes: /^an ECHO from a to b arrived, and its reply did not; an ECHO from a to c arrived/,
    no: /^an ECHO from a to . had a reply$/,
  },
  {
    spec: { fault: 'store-outage', mode: 'refuse' },
    yes: /^no reply to a PING from a to a, a to b, a to c, b to a, b to b, b to c, c to a, c to b, c to c$/,
    no: /^a PING from . to . had a reply after [\d.]+ ms$/,
  },
  {
    spec: { fault: 'store-outage', mode: 'blackhole', regions: ['b'] },
    yes: /^no reply to a PING from b to a, b to b, b to c$/,
    no: /^a PING from b to . had a reply after [\d.]+ ms$/,
  },
  {
    spec: { fault: 'slow-store', latencyMs: 400, regions: ['b', 'c'] },
    yes: /^b to a took [\d.]+ ms before and \d{3}\.\d ms now; b to b took [\d.]+ ms before and \d{3}/,
    no: /^. to . took [\d.]+ ms before and [\d.]+ ms now$/,
  },
  {
    spec: { fault: 'flap', mode: 'blackhole', isolate: ['a'], downMs: 500, upMs: 500 },
    yes: /^no reply to a PING from a to b/,
    no: /^a PING from . to . had a reply/,
  },
  { spec: { fault: 'kill', node: 'c-1' }, yes: /^c-1 does not answer$/, no: /^the same process of c-1/ },
  {
    spec: { fault: 'restart', node: 'c-1' },
    yes: /^another process of c-1 answers than before$/,
    no: /^the same process of c-1 answers as before$/,
  },
  {
    spec: { fault: 'restart-empty', node: 'c-1' },
    yes: /^another process of c-1 answers than before$/,
    no: /^the same process of c-1 answers as before$/,
  },
  {
    spec: { fault: 'pause', node: 'c-1' },
    yes: /^c-1 accepts connections and does not answer$/,
    no: /^c-1 answers$/,
  },
  {
    spec: { fault: 'failover', node: 'b-1' },
    yes: /^b-1 was a replica and is a primary$/,
    no: /^b-1 was a replica and is a replica$/,
  },
  {
    spec: { fault: 'move-slots', from: 'a', to: 'b', slots: 3 },
    yes: /^b-0 has slots 5459-5461 of a-0$/,
    no: /^every slot is where it was$/,
  },
  {
    spec: { fault: 'gateway-clock', region: 'a', offsetMs: -5_000 },
    yes: /^the clock of the service of a moved by -(?:5|4)\d{3} ms$/,
    no: /^the clock of the service of a moved by -?\d{1,3} ms$/,
  },
  {
    spec: { fault: 'restart-service', region: 'a', instance: 2 },
    yes: /^service 2 of a does not answer$/,
    no: /^service 2 of a answers$/,
  },
  {
    spec: { fault: 'node-clock', node: 'c-1', stepMs: 4_000 },
    yes: /^the clock of c-1 moved by \d{4} ms$/,
    no: /^the clock of c-1 moved by -?\d{1,3} ms$/,
  },
];

/** The same with one server, which is in the region a. */
const ON_SINGLE: typeof FAULTS = [
  {
    spec: { fault: 'partition', mode: 'blackhole', isolate: ['b'] },
    yes: /^no reply to a PING from b to a; every other link had a reply$/,
    no: /^a PING from b to a had a reply/,
  },
  {
    spec: { fault: 'partition', mode: 'blackhole', from: ['a'], to: ['b'] },
    yes: /^an ECHO from b to a arrived, and its reply did not; every other link had a reply$/,
    no: /^an ECHO from b to a had a reply/,
  },
  {
    spec: { fault: 'flap', mode: 'blackhole', isolate: ['b'], downMs: 1_000, upMs: 500 },
    yes: /^no reply to a PING from b to a$/,
    no: /^a PING from b to a had a reply/,
  },
  {
    spec: { fault: 'latency', between: ['a', 'b'], addMs: 300, jitterMs: 0, rampMs: 0 },
    yes: /^b to a took [\d.]+ ms before and [\d.]+ ms now$/,
    no: /^b to a took [\d.]+ ms before and [\d.]+ ms now$/,
  },
  {
    spec: { fault: 'bandwidth', between: ['a', 'b'], rateKBps: 100 },
    yes: /^an ECHO of \d+ bytes from b to a took/,
    no: /^an ECHO of \d+ bytes from b to a took/,
  },
  {
    spec: { fault: 'drop-reply', regions: ['b'] },
    yes: /^an ECHO from b to a arrived, and its reply did not$/,
    no: /^an ECHO from b to a had a reply$/,
  },
];

describe('the probe of a fault', { timeout: 120_000 }, () => {
  let regions: Regions;
  let stop: (() => Promise<void>) | undefined;
  let offsetMs = 0;
  let processId: string | undefined = 'one';
  beforeAll(async () => {
    ({ regions, stop } = await startLocalRegions('redis-server', REGIONS, { steppableClocks: true }));
  }, 60_000);
  afterAll(async () => stop?.());

  const context = (): FaultContext => ({
    ...{ regions, signal, random: makeRandom(1) },
    setServiceClock: async (_region, ms) => {
      offsetMs = ms;
    },
    readServiceClock: async () => offsetMs,
    serviceProcesses: {
      kill: async () => {
        processId = undefined;
      },
      start: async () => {
        processId = 'another';
      },
      idsOf: async () => [processId],
    },
  });
  const probeOf = async (spec: FaultSpec, isAlone = true) => {
    const probe = await makeProbe(spec, { ...context(), ...ALONE, isAlone: () => isAlone });
    if (probe === undefined) throw new Error(`${spec.fault} has no probe`);
    return probe;
  };

  /** Looks until nothing is seen. For a moment a busy machine is as slow as a fault: a run needs two looks that see it. */
  const calmLook = (probe: Probe, saw: RegExp) =>
    vi.waitFor(
      async () => expect(await probe.look()).toEqual({ bit: false, saw: expect.stringMatching(saw) }),
      { timeout: 30_000 },
    );

  /** Sees the fault with each look, until one says this: of a busy machine, some say that it took longer. */
  const seeingLook = async (probe: Probe, saw: RegExp) => {
    const looks: Sight[] = [];
    const look = async () => expect(looks[looks.push(await probe.look()) - 1]?.saw).toMatch(saw);
    await vi.waitFor(look, { timeout: 30_000 });
    expect(looks).toEqual(looks.map(() => expect.objectContaining({ bit: true })));
  };

  it('is there for every kind of fault', () =>
    expect(new Set(FAULTS.map(({ spec }) => spec.fault))).toEqual(
      new Set(FAULT_NAMES.filter((name) => name !== 'command')),
    ));

  it.each(FAULTS)('$spec.fault sees it, and nothing where there is none', async ({ spec, yes, no }) => {
    await settle(regions, signal);
    const probe = await probeOf(spec);
    await calmLook(probe, no);
    const undo = await injectFault(spec, context());
    const seen = () => seeingLook(probe, yes);
    try {
      if (probe.looks !== 'after the heal') await seen();
    } finally {
      await undo();
    }
    await settle(regions, signal);
    if (probe.looks === 'after the heal') await seen();
    // After a kill, another process answers.
    if (probe.looks === 'throughout' && spec.fault !== 'kill') await calmLook(probe, no);
    expect((await probe.lookHealed?.())?.bit ?? true).toBe(true);
  });

  it.each<{ title: string; spec: FaultSpec; saw: string }>([
    {
      title: 'adds no latency',
      spec: { fault: 'latency', between: ['a', 'b'], addMs: 0, jitterMs: 0, rampMs: 0 },
      saw: 'it adds nothing',
    },
    {
      title: 'adds less latency than noise does',
      spec: { fault: 'latency', between: ['a', 'b'], addMs: 2, jitterMs: 0, rampMs: 0 },
      saw: 'it adds 4 ms to a round trip, too few to be seen',
    },
    {
      title: 'moves no clock',
      spec: { fault: 'node-clock', node: 'a-0', stepMs: 0 },
      saw: 'it moves no clock',
    },
    {
      title: 'moves no clock of a service',
      spec: { fault: 'gateway-clock', region: 'a', offsetMs: 0 },
      saw: 'it moves no clock',
    },
    {
      title: 'limits to more than the link is used for',
      spec: { fault: 'bandwidth', between: ['a', 'b'], rateKBps: 10_000_000 },
      saw: '4000000 bytes need 0.4 ms at the limit, too few to be seen',
    },
  ])('does not see one that $title', async ({ spec, saw }) => {
    const probe = await probeOf(spec);
    const undo = await injectFault(spec, context());
    const sight = await probe.look().finally(undo);
    expect(sight).toEqual({ bit: false, saw: expect.stringContaining(saw) });
  });

  it('does not see a partition on links that were cut before', async () => {
    const spec: FaultSpec = { fault: 'partition', mode: 'blackhole', isolate: ['a'] };
    const undo = await injectFault(spec, context());
    const sight = await probeOf(spec)
      .then((probe) => probe.look())
      .finally(undo);
    expect(sight).toEqual({ bit: false, saw: expect.stringMatching(/had no reply before the fault, too$/) });
  });

  it('does not see a partition that cuts more than it says, unless another fault may', async () => {
    const spec: FaultSpec = { fault: 'partition', mode: 'blackhole', bridge: ['a', 'b'] };
    const [alone, withAnother] = [await probeOf(spec), await probeOf(spec, false)];
    const undo = await injectFault({ ...spec, isolate: ['a'] } as FaultSpec, context());
    try {
      expect(await alone.look()).toEqual({
        bit: false,
        saw: expect.stringMatching(/^(a to c|c to a), which is not cut, had no reply either$/),
      });
      expect((await withAnother.look()).bit).toBe(true);
    } finally {
      await undo();
    }
  });

  it('sees each fault between a region without nodes and the only server', async () => {
    const single = await startLocalRegions('redis-server', { ...REGIONS, kind: 'single', replicas: 0 });
    const onSingle = { ...context(), regions: single.regions };
    try {
      for (const { spec, yes, no } of ON_SINGLE) {
        const probe = await makeProbe(spec, { ...onSingle, ...ALONE });
        if (probe === undefined) throw new Error(`${spec.fault} has no probe`);
        await calmLook(probe, no);
        const undo = await injectFault(spec, onSingle);
        await seeingLook(probe, yes).finally(undo);
      }
    } finally {
      await single.stop();
    }
  });

  it('does not see a kill of a node that is dead already', async () => {
    const spec: FaultSpec = { fault: 'kill', node: 'c-1' };
    const undo = await injectFault(spec, context());
    const sight = await probeOf(spec)
      .then((probe) => probe.look())
      .finally(undo);
    expect(sight).toEqual({ bit: false, saw: 'c-1 did not answer before the fault, too' });
  });
});
