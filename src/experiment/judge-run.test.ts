import { expect, it } from 'vitest';
import { historyOf } from '../../test/support/history.ts';
import { checkHistory } from '../checker/check.ts';
import { latenciesOf } from './judge-run.ts';

it('the latencies of a run are those of its evidence, by region and outcome', () => {
  const waited = (us: number, intendedUs: number) => ({ invokedUs: 900, completedUs: us, intendedUs });
  const check = checkHistory(
    historyOf([
      { ...waited(1_000, 500), region: 'west' },
      { ...waited(2_000, 0), region: 'east' },
      { ...waited(4_000, 800), region: 'east' },
      { ...waited(5_000, 800), region: 'east', outcome: 'denied' },
      { invokedUs: 900, region: 'east', outcome: 'info' },
    ]),
    { busiest: [] },
  );
  const { regions } = check;
  expect(regions.map(({ name }) => name)).toEqual(['east', 'west']);
  expect(latenciesOf(check)).toEqual([
    { region: 'east', outcome: 'allowed', latency: regions[0]?.latency.allowed },
    { region: 'east', outcome: 'denied', latency: regions[0]?.latency.denied },
    { region: 'west', outcome: 'allowed', latency: { count: 1, p50Us: 500, p99Us: 500, maxUs: 500 } },
  ]);
});
