import { describe, expect, it } from 'vitest';
import { formatMeasured, formatPercent } from './claim-limit.ts';

describe('a share beside the limit of its claim', () => {
  it.each([
    { share: 0.0503, limit: 0.05, percent: '5.03%', measured: '5.03%' },
    { share: 0.0500001, limit: 0.05, percent: '5.00001%', measured: '5.00001%' },
    { share: 0.05, limit: 0.05, percent: '5%', measured: '5%' },
    { share: 0.0496, limit: 0.05, percent: '4.96%', measured: '4.96%' },
    { share: 0.12451, limit: 0.12452, percent: '12%', measured: '12.45%' },
    { share: 0.6923, limit: 0.05, percent: '69%', measured: '69.2%' },
    { share: 0.0071, limit: 0.05, percent: '0.71%', measured: '0.71%' },
    { share: 0, limit: 0, percent: '0%', measured: '0%' },
    { share: 0.000001, limit: 0, percent: '0.0001%', measured: '0.0001%' },
  ])('of $share and $limit is $percent', ({ share, limit, percent, measured }) => {
    expect(formatPercent(share, limit)).toBe(percent);
    expect(formatMeasured({ unit: 'share', limit: share }, limit)).toBe(measured);
  });

  it('has no more digits without a limit', () => {
    expect([formatPercent(0.0503), formatMeasured({ unit: 'share', limit: 0.0503 })]).toEqual(['5%', '5%']);
  });
});

it('a rate is not rounded to its limit', () => {
  expect(formatMeasured({ unit: 'rate', limit: 4_999.96 }, 5_000)).toBe('4999.96/s');
});
