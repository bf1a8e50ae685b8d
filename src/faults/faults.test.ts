import { describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { type FaultSpec, isMomentary } from '../scenario/faults/index.ts';
import { DEFAULT_TOPOLOGY, planTopology } from '../topology/topology.ts';
import { injectFault } from './registry.ts';
import type { FaultContext } from './support/fault.ts';

const topology = planTopology(DEFAULT_TOPOLOGY);

/** Links and nodes that write down what is done to them; the calls named in `failing` fail, the n-th time. */
function recorder(failing: Readonly<Record<string, number>> = {}) {
  const calls: string[] = [];
  const counts = new Map<string, number>();
  const stop = new AbortController();
  const note = (object: string) =>
    new Proxy({} as Record<string, (...args: unknown[]) => Promise<void>>, {
      get:
        (_, name) =>
        async (...args: unknown[]) => {
          const call = `${object}.${String(name)}`;
          const count = (counts.get(call) ?? 0) + 1;
          counts.set(call, count);
          calls.push([String(name), ...args.map(brief)].join(' '));
          if (failing[String(name)] === count) throw new Error(`${String(name)} failed`);
        },
    });
  const context: FaultContext = {
    regions: {
      topology,
      links: note('links') as unknown as FaultContext['regions']['links'],
      access: note('access') as unknown as NonNullable<FaultContext['regions']['access']>,
      nodes: note('nodes') as unknown as FaultContext['regions']['nodes'],
      direct: () => ({ host: '127.0.0.1', port: 1 }),
      announced: () => ({ host: '127.0.0.1', port: 1 }),
      view: (region) => ({ region, kind: 'cluster', seeds: [] }),
    },
    setServiceClock: async (region, offsetMs) => {
      calls.push(`setServiceClock ${region} ${offsetMs}`);
    },
    serviceProcesses: {
      kill: async (region, instance) => void calls.push(`killService ${region} ${instance}`),
      start: async (region, instance) => void calls.push(`startService ${region} ${instance}`),
      idsOf: async () => ['1'],
    },
    random: makeRandom(1),
    signal: stop.signal,
  };
  return { calls, context, stop };
}

/** Pairs as `us>eu`, the rest as JSON without quotes. */
function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.replace(/\{"from":"(\w\w)[\w-]*","to":"(\w\w)[\w-]*"\}/g, '$1>$2').replaceAll('"', '');
}

describe('a fault is injected and undone', () => {
  it.each<{ spec: FaultSpec; does: string[]; undoes: string[] }>([
    {
      spec: { fault: 'partition', mode: 'blackhole', isolate: ['eu-west'] },
      does: ['cut [us>eu,eu>us,eu>ap,ap>eu] blackhole'],
      undoes: ['restore [us>eu,eu>us,eu>ap,ap>eu]'],
    },
    {
      spec: { fault: 'partition', mode: 'refuse', split: [['us-east', 'eu-west'], ['ap-south']] },
      does: ['cut [us>ap,eu>ap,ap>us,ap>eu] refuse'],
      undoes: ['restore [us>ap,eu>ap,ap>us,ap>eu]'],
    },
    {
      spec: { fault: 'partition', mode: 'blackhole', split: [['us-east'], ['ap-south']] },
      does: ['cut [us>ap,ap>us] blackhole'],
      undoes: ['restore [us>ap,ap>us]'],
    },
    {
      spec: { fault: 'partition', mode: 'blackhole', from: ['eu-west'], to: ['us-east', 'ap-south'] },
      does: ['cut [eu>us,eu>ap] blackhole'],
      undoes: ['restore [eu>us,eu>ap]'],
    },
    {
      spec: { fault: 'partition', mode: 'blackhole', bridge: ['us-east', 'eu-west'] },
      does: ['cut [us>eu,eu>us] blackhole'],
      undoes: ['restore [us>eu,eu>us]'],
    },
    {
      spec: { fault: 'latency', between: ['us-east', 'eu-west'], addMs: 400, jitterMs: 5, rampMs: 0 },
      does: ['setLatency us>eu {latencyMs:440,jitterMs:5}', 'setLatency eu>us {latencyMs:440,jitterMs:5}'],
      undoes: ['setLatency us>eu {latencyMs:40,jitterMs:0}', 'setLatency eu>us {latencyMs:40,jitterMs:0}'],
    },
    {
      spec: { fault: 'bandwidth', between: ['us-east', 'eu-west'], rateKBps: 99.6 },
      does: ['setBandwidth us>eu 100', 'setBandwidth eu>us 100'],
      undoes: ['setBandwidth us>eu undefined', 'setBandwidth eu>us undefined'],
    },
    {
      spec: { fault: 'drop-reply', regions: ['eu-west'] },
      does: ['dropReplies eu>us', 'dropReplies eu>ap'],
      undoes: ['passReplies eu>us', 'passReplies eu>ap'],
    },
    {
      spec: { fault: 'store-outage', mode: 'refuse' },
      does: ['cut [us-east,eu-west,ap-south] refuse'],
      undoes: ['restore [us-east,eu-west,ap-south]'],
    },
    {
      spec: { fault: 'store-outage', mode: 'blackhole', regions: ['eu-west'] },
      does: ['cut [eu-west] blackhole'],
      undoes: ['restore [eu-west]'],
    },
    {
      spec: { fault: 'slow-store', latencyMs: 2_000, regions: ['eu-west'] },
      does: ['slow [eu-west] 2000'],
      undoes: ['slow [eu-west] 0'],
    },
    {
      spec: { fault: 'restart-empty', node: 'us-east-0' },
      does: ['kill us-east-0', 'startEmpty us-east-0'],
      undoes: ['start us-east-0'],
    },
    {
      spec: { fault: 'pause', node: 'us-east-0' },
      does: ['pause us-east-0'],
      undoes: ['resume us-east-0'],
    },
    {
      spec: { fault: 'gateway-clock', region: 'eu-west', offsetMs: -7 },
      does: ['setServiceClock eu-west -7'],
      undoes: ['setServiceClock eu-west 0'],
    },
    {
      spec: { fault: 'restart-service', region: 'eu-west' },
      does: ['killService eu-west undefined'],
      undoes: ['startService eu-west undefined'],
    },
    {
      spec: { fault: 'restart-service', region: 'eu-west', instance: 2 },
      does: ['killService eu-west 2'],
      undoes: ['startService eu-west 2'],
    },
    {
      spec: { fault: 'node-clock', node: 'us-east-0', stepMs: 9 },
      does: ['stepClock us-east-0 9'],
      undoes: ['stepClock us-east-0 -9'],
    },
  ])('$spec', async ({ spec, does, undoes }) => {
    const { calls, context } = recorder();
    const undo = await injectFault(spec, context);
    expect(calls).toEqual(does);
    await Promise.all([undo(), undo()]);
    await undo();
    expect(calls).toEqual([...does, ...undoes]);
  });
});

describe('a failed injection removes what it had injected', () => {
  it.each<{ spec: FaultSpec; failing: Record<string, number>; undone: RegExp }>([
    {
      spec: { fault: 'partition', mode: 'blackhole', isolate: ['eu-west'] },
      failing: { cut: 1 },
      undone: /^restore/,
    },
    {
      spec: { fault: 'latency', between: ['us-east', 'eu-west'], addMs: 400, jitterMs: 0, rampMs: 0 },
      failing: { setLatency: 2 },
      undone: /^setLatency eu>us {latencyMs:40/,
    },
    {
      spec: { fault: 'bandwidth', between: ['us-east', 'eu-west'], rateKBps: 100 },
      failing: { setBandwidth: 1 },
      undone: /^setBandwidth eu>us undefined/,
    },
    {
      spec: { fault: 'drop-reply', regions: ['eu-west'] },
      failing: { dropReplies: 2 },
      undone: /^passReplies eu>ap/,
    },
    {
      spec: { fault: 'flap', mode: 'refuse', isolate: ['eu-west'], downMs: 1, upMs: 1 },
      failing: { cut: 1 },
      undone: /^restore/,
    },
    {
      spec: { fault: 'restart-empty', node: 'us-east-0' },
      failing: { startEmpty: 1 },
      undone: /^start us-east-0/,
    },
    { spec: { fault: 'pause', node: 'us-east-0' }, failing: { pause: 1 }, undone: /^resume us-east-0/ },
  ])('$spec.fault', async ({ spec, failing, undone }) => {
    const { calls, context } = recorder(failing);
    await expect(injectFault(spec, context)).rejects.toThrow(/failed/);
    expect(calls.at(-1)).toMatch(undone);
  });

  it('a clock that did not step is not stepped back', async () => {
    const { calls, context } = recorder({ stepClock: 1 });
    const spec: FaultSpec = { fault: 'node-clock', node: 'us-east-0', stepMs: 9 };
    await expect(injectFault(spec, context)).rejects.toThrow(/failed/);
    expect(calls).toEqual(['stepClock us-east-0 9']);
  });

  it('an undo that failed acts again when it is called again', async () => {
    const { calls, context } = recorder({ resume: 1 });
    const undo = await injectFault({ fault: 'pause', node: 'us-east-0' }, context);
    await expect(undo()).rejects.toThrow('resume failed');
    await undo();
    await undo();
    expect(calls).toEqual(['pause us-east-0', 'resume us-east-0', 'resume us-east-0']);
  });
});

describe('background work after the injection', () => {
  /** Lets timers of the test's own time ring, and what they start finish. */
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const own = (title: string, test: () => Promise<void>) =>
    it(title, async () => {
      vi.useFakeTimers();
      await test().finally(() => vi.useRealTimers());
    });

  own('a delay grows in steps of 250 ms, and no more once it is undone', async () => {
    const { calls, context } = recorder();
    const spec: FaultSpec = {
      fault: 'latency',
      between: ['us-east', 'eu-west'],
      addMs: 400,
      jitterMs: 0,
      rampMs: 1_000,
    };
    const undo = await injectFault(spec, context);
    const delays = () => calls.flatMap((call) => /us>eu {latencyMs:(\d+)/.exec(call)?.[1] ?? []).map(Number);
    expect(delays()).toEqual([140]);
    await pass(250);
    expect(delays()).toEqual([140, 240]);
    await pass(250);
    expect(delays()).toEqual([140, 240, 340]);
    await undo();
    await pass(5_000);
    expect(delays()).toEqual([140, 240, 340, 40]);
  });

  own('a flap comes and goes in lengths of the seed, down first, and ends whole', async () => {
    const lengths = async (seed: number) => {
      const { calls, context } = recorder();
      const spec: FaultSpec = {
        fault: 'flap',
        mode: 'refuse',
        isolate: ['eu-west'],
        downMs: 100,
        upMs: 1_000,
      };
      const undo = await injectFault(spec, { ...context, random: makeRandom(seed) });
      const seen: number[] = [];
      for (let ms = 0, last = 0, count = 1; seen.length < 6; ms++) {
        if (calls.length > count) {
          seen.push(ms - last);
          [last, count] = [ms, calls.length];
        }
        await pass(1);
      }
      await undo();
      expect(calls.map((call) => call.split(' ')[0])).toEqual([
        ...['cut', 'restore', 'cut', 'restore', 'cut', 'restore', 'cut'],
        'restore',
      ]);
      await pass(5_000);
      expect(calls).toHaveLength(8);
      return seen;
    };
    const first = await lengths(1);
    for (const [i, length] of first.entries()) {
      const mean = i % 2 === 0 ? 100 : 1_000;
      expect(length).toBeGreaterThanOrEqual(mean / 2);
      expect(length).toBeLessThanOrEqual(1.5 * mean + 2);
    }
    expect(await lengths(1)).toEqual(first);
    expect(await lengths(2)).not.toEqual(first);
  });

  own('a flap whose step fails says so when it is undone, once, and is whole', async () => {
    const { calls, context } = recorder({ cut: 2 });
    const spec: FaultSpec = { fault: 'flap', mode: 'refuse', isolate: ['eu-west'], downMs: 100, upMs: 100 };
    const undo = await injectFault(spec, context);
    await pass(1_000);
    await expect(undo()).rejects.toThrow('cut failed');
    await undo();
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['cut', 'restore', 'cut', 'restore', 'restore']);
  });

  own('a flap ends when the run is over', async () => {
    const { calls, context, stop } = recorder();
    const spec: FaultSpec = { fault: 'flap', mode: 'refuse', isolate: ['eu-west'], downMs: 100, upMs: 100 };
    const undo = await injectFault(spec, context);
    stop.abort();
    await pass(1_000);
    await undo();
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['cut', 'restore']);
  });
});

it('a node that does not answer can be killed, and starts again once nothing can take over', async () => {
  const { calls, context } = recorder();
  await injectFault({ fault: 'kill', node: 'us-east-0' }, context);
  expect(calls).toEqual(['kill us-east-0']);
});

describe('a fault is refused', () => {
  it.each<FaultSpec>([
    { fault: 'gateway-clock', region: 'eu-west', offsetMs: 1 },
    { fault: 'restart-service', region: 'eu-west' },
  ])('for a service if none runs: $fault', async (spec) => {
    const { setServiceClock, serviceProcesses, ...context } = recorder().context;
    expect([setServiceClock, serviceProcesses]).not.toContain(undefined);
    await expect(injectFault(spec, context)).rejects.toThrow(/eu-west has no Rating service of this run/);
  });

  it.each<FaultSpec>([
    { fault: 'store-outage', mode: 'refuse' },
    { fault: 'slow-store', latencyMs: 2_000 },
  ])('where services reach nodes past the Toxiproxy: $fault', async (spec) => {
    const { context } = recorder();
    const { access, ...regions } = context.regions;
    expect(access).toBeDefined();
    await expect(injectFault(spec, { ...context, regions })).rejects.toThrow(/needs local regions/);
  });

  it('that moves slots of nodes which the plan gives none', async () => {
    const { context } = recorder();
    const topology = { ...context.regions.topology, external: true as const };
    const spec: FaultSpec = { fault: 'move-slots', from: 'eu-west', to: 'us-east', slots: 1 };
    await expect(
      injectFault(spec, { ...context, regions: { ...context.regions, topology } }),
    ).rejects.toThrow(/needs a Redis Cluster over the regions that this program starts/);
  });

  it('for a replica that does not answer', async () => {
    const { calls, context } = recorder();
    await expect(injectFault({ fault: 'failover', node: 'eu-west-1' }, context)).rejects.toThrow(
      /eu-west-1 does not answer/,
    );
    expect(calls).toEqual([]);
  });
});

it('a fault that ends by itself has no duration', () => {
  expect(isMomentary({ fault: 'restart' })).toBe(true);
  expect(isMomentary({ fault: 'kill' })).toBe(false);
});
