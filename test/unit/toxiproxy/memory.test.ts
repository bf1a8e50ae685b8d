import { expect, it } from 'vitest';
import { flow } from '../../support/byte-flow.ts';

it.each([
  { title: 'a bare pipe', toxics: [] },
  { title: 'latency', toxics: [{ type: 'latency', attributes: { latency: 20 } }] },
])('256 MiB to a reader that stops now and then leave memory flat: $title', async ({ toxics }) => {
  const { arrived, sent, quartersMiB } = await flow({
    totalMiB: 256,
    toxics,
    pause: { everyMiB: 8, ms: 50 },
  });
  expect(arrived).toEqual(sent);
  const [first = 0, ...later] = quartersMiB;
  expect(Math.max(...later) - first, `MiB by quarter: ${quartersMiB}`).toBeLessThan(48);
});
