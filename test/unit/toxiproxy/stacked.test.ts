import { describe, expect, it } from 'vitest';
import { PipeRig } from '../../support/pipe-rig.ts';

const latency = (latency: number) => ({ type: 'latency', attributes: { latency } });

describe('latency after another toxic counts from when the proxy received the data', () => {
  it('bandwidth of 10 KB/s and 200 ms: 8,000 bytes take 200 to 800 ms', () => {
    const toxics = [{ type: 'bandwidth', attributes: { rate: 10 } }, latency(200)];
    const { log } = new PipeRig(toxics).send(0, 'x'.repeat(8_000)).goTo(5_000);
    expect(log.map(([atMs]) => atMs)).toEqual([200, 200, 300, 400, 500, 600, 700, 800]);
  });

  it('slicer with 20 ms a piece and 200 ms: 16 pieces take 200 to 300 ms', () => {
    const slicer = { type: 'slicer', attributes: { average_size: 500, size_variation: 0, delay: 20_000 } };
    const { log } = new PipeRig([slicer, latency(200)]).send(0, 'x'.repeat(8_000)).goTo(5_000);
    expect(log).toHaveLength(16);
    expect([log[0]?.[0], log[10]?.[0], log[15]?.[0]]).toEqual([200, 200, 300]);
  });

  it('latency and latency: the sum for the first data, less for data close behind it', () => {
    const rig = new PipeRig([latency(200), { ...latency(200), name: 'more' }]).send(0, 'a').send(50, 'b');
    expect(rig.goTo(5_000).log).toEqual([
      [400, 'a'],
      [400, 'b'],
    ]);
  });

  it('a toxic between that is removed does not restart it', () => {
    const rig = new PipeRig([{ type: 'bandwidth', attributes: { rate: 0 } }, latency(200)]).send(0, 'a');
    expect(rig.remove(150, 'bandwidth').goTo(5_000).log).toEqual([[200, 'a']]);
  });
});

describe('bandwidth after latency', () => {
  it('counts from when latency has passed the data on', () => {
    const toxics = [latency(200), { type: 'bandwidth', attributes: { rate: 10 } }];
    const { log } = new PipeRig(toxics).send(0, 'x'.repeat(2_000)).goTo(5_000);
    expect(log.map(([atMs]) => atMs)).toEqual([300, 400]);
  });
});

describe('a chain of 5,000 toxics that pass data on', () => {
  const chain = (toxic: {
    readonly type: string;
    readonly toxicity?: number;
    readonly attributes?: object;
  }) =>
    Array.from({ length: 5_000 }, (_, index) => ({ ...toxic, attributes: {}, ...toxic, name: `t${index}` }));

  it.each([
    { type: 'noop' },
    { type: 'slow_close' },
    { type: 'latency', toxicity: 0 },
    { type: 'limit_data', attributes: { bytes: 1_000 } },
  ])('carries data and the end in order: $type', (toxic) => {
    const rig = new PipeRig(chain(toxic) as ConstructorParameters<typeof PipeRig>[0]);
    expect(rig.send(1, 'a').send(2, 'b').end(3).goTo(3).log).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, '<FIN>'],
    ]);
  });

  it('carries the data of a toxic before it, and the close of limit_data', () => {
    const toxics = [
      latency(10),
      { type: 'limit_data', attributes: { bytes: 3 } },
      ...chain({ type: 'noop' }),
    ];
    const rig = new PipeRig(toxics as ConstructorParameters<typeof PipeRig>[0]);
    expect(rig.send(0, 'ab').send(0, 'cd').goTo(100).log).toEqual([
      [10, 'ab'],
      [10, 'c'],
      [10, '<CLOSE>'],
    ]);
  });
});
