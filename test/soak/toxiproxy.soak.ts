import { expect, it } from 'vitest';
import { flow } from '../support/byte-flow.ts';
import { logSoak } from '../support/soak-log.ts';

const TOXICS = {
  none: [],
  latency: [{ type: 'latency', attributes: { latency: 20, jitter: 5 } }],
  slicer: [{ type: 'slicer', attributes: { average_size: 8_000, size_variation: 4_000, delay: 0 } }],
};

it('2 GiB through a Toxiproxy arrive byte for byte and leave its memory flat', async () => {
  const rows: string[] = [];
  for (const [name, toxics] of Object.entries(TOXICS)) {
    const startedMs = performance.now();
    const { arrived, sent, quartersMiB } = await flow({
      totalMiB: 2_048,
      toxics,
      pause: { everyMiB: 64, ms: 50 },
    });
    const seconds = (performance.now() - startedMs) / 1_000;
    expect(arrived).toEqual(sent);
    rows.push(
      `| ${name} | ${Math.round(2_048 / seconds)} | ${quartersMiB.map((mib) => mib.toFixed(0)).join(' | ')} |`,
    );
    const [first = 0, ...later] = quartersMiB;
    expect(Math.max(...later) - first, rows.join('\n')).toBeLessThan(48);
  }
  logSoak('toxiproxy, 2 GiB to a reader that stops now and then', [
    '| toxic | MiB/s | MiB resident: first quarter | second | third | fourth |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
