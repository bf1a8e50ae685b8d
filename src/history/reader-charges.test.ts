import { describe, expect, it } from 'vitest';
import { headerOf, operationOf } from '../../test/support/history.ts';
import { contentOf, linesOf, read } from '../../test/support/read-history.ts';
import { KIND } from './columns/table.ts';

/** What one may have been charged beyond its cost. */
const SURPLUS = KIND.info | KIND.part | KIND.surplus;

const fallback = (charge?: 'none' | 'possible') =>
  ({ strategy: 'central', node: 'none', source: 'fallback', ...(charge && { charge }) }) as const;

describe('what is charged', () => {
  const rowsOf = (...parts: Parameters<typeof operationOf>[1][]) =>
    contentOf(read(linesOf(headerOf(), ...parts.map((part, index) => operationOf(index, part))))).map(
      ({ invokedUs, lastUs, cost, kind }) => [invokedUs, lastUs, cost, kind],
    );
  const open = Number.POSITIVE_INFINITY;
  it.each([
    { title: 'an admission', parts: [{ completedUs: 5 }], want: [[0, 5, 1, 0]] },
    {
      title: 'an admission that may have charged twice',
      parts: [{ completedUs: 5, maxCharge: 2 }],
      want: [
        [0, 5, 1, 0],
        [0, open, 1, SURPLUS],
      ],
    },
    {
      title: 'the same, until a known moment',
      parts: [{ completedUs: 5, maxCharge: 2, latestUs: 9 }],
      want: [
        [0, 5, 1, 0],
        [0, 9, 1, SURPLUS],
      ],
    },
    {
      title: 'a denial that may have charged',
      parts: [{ completedUs: 5, outcome: 'denied', maxCharge: 1 }],
      want: [
        [0, 5, 1, 1],
        [0, open, 1, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy, which the shared bucket may charge as well',
      parts: [{ completedUs: 5, cost: 2, decision: fallback() }],
      want: [
        [0, 5, 2, KIND.fallback],
        [0, open, 2, SURPLUS],
      ],
    },
    {
      title: 'a denial by a failure policy, which the shared bucket may charge',
      parts: [{ completedUs: 5, cost: 2, outcome: 'denied', decision: fallback('possible') }],
      want: [
        [0, 5, 2, KIND.fallback | KIND.denied],
        [0, open, 2, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy with a maximum charge',
      parts: [{ completedUs: 5, cost: 2, maxCharge: 3, latestUs: 9, decision: fallback('possible') }],
      want: [
        [0, 5, 2, KIND.fallback],
        [0, 9, 1, SURPLUS],
      ],
    },
    {
      title: 'an admission by a failure policy that the shared bucket certainly does not charge',
      parts: [{ completedUs: 5, cost: 2, decision: fallback('none') }],
      want: [[0, 5, 2, KIND.fallback]],
    },
    {
      title: 'several charges of which a failure policy decided: each may be charged as well',
      parts: [
        {
          completedUs: 5,
          decision: fallback(),
          charges: [
            { bucket: 'x', cost: 1 },
            { bucket: 'y', cost: 2 },
          ],
        },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.multiBucket],
        [0, open, 1, SURPLUS | KIND.multiBucket],
        [0, 5, 2, KIND.fallback | KIND.multiBucket | KIND.part],
        [0, open, 2, SURPLUS | KIND.multiBucket],
      ],
    },
    {
      title: 'attempts allowed by a failure policy and by the shared bucket: the time of the bucket',
      parts: [
        { decisionId: 'd', completedUs: 5, decision: fallback('none') },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.joined | KIND.merged],
        [0, 15, 1, KIND.joined],
      ],
    },
    {
      title:
        'attempts of which a failure policy allowed one and one had no reply: an admission and an open charge',
      parts: [
        { decisionId: 'd', completedUs: 5, decision: fallback('none') },
        { decisionId: 'd', invokedUs: 10, outcome: 'info' },
      ],
      want: [
        [0, 5, 1, KIND.fallback | KIND.joined],
        [0, open, 1, KIND.info | KIND.joined],
      ],
    },
    {
      title: 'a take and its refund under one id: both',
      parts: [
        { decisionId: 'd', completedUs: 5, cost: 2 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, cost: -2 },
      ],
      want: [
        [0, 5, 2, 0],
        [10, 15, -2, 0],
      ],
    },
    {
      title: 'two attempts of a take and two of its refund under one id: one of each',
      parts: [
        { decisionId: 'd', outcome: 'info', cost: 2 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, cost: 2 },
        { decisionId: 'd', invokedUs: 20, outcome: 'info', cost: -2 },
        { decisionId: 'd', invokedUs: 30, completedUs: 35, cost: -2 },
      ],
      want: [
        [0, open, 2, KIND.info | KIND.joined | KIND.merged],
        [0, 15, 2, KIND.joined],
        [20, open, -2, KIND.info | KIND.joined | KIND.merged],
        [20, 35, -2, KIND.joined],
      ],
    },
    { title: 'a refund', parts: [{ completedUs: 5, cost: -3 }], want: [[0, 5, -3, 0]] },
    {
      title: 'attempts of which one was allowed: one charge from the first invocation to that completion',
      parts: [
        { decisionId: 'd', outcome: 'info' },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, open, 1, 11 | KIND.joined],
        [0, 15, 1, KIND.joined],
      ],
    },
    {
      title: 'attempts of which several were allowed: until the first of their completions',
      parts: [
        { decisionId: 'd', completedUs: 30 },
        { decisionId: 'd', invokedUs: 10, completedUs: 15 },
      ],
      want: [
        [0, 15, 1, KIND.joined],
        [10, 15, 1, 8 | KIND.joined],
      ],
    },
    {
      title: 'attempts without a reply: one open charge',
      parts: [
        { decisionId: 'd', outcome: 'info', latestUs: 20 },
        { decisionId: 'd', invokedUs: 10, outcome: 'info', latestUs: 40 },
      ],
      want: [
        [0, 40, 1, 3 | KIND.joined],
        [10, 40, 1, 11 | KIND.joined],
      ],
    },
    {
      title: 'attempts of which one was denied: both keep their own',
      parts: [
        { decisionId: 'd', outcome: 'info' },
        { decisionId: 'd', invokedUs: 10, completedUs: 15, outcome: 'denied' },
      ],
      want: [
        [0, open, 1, 3 | KIND.joined],
        [10, 15, 1, 1 | KIND.joined],
      ],
    },
    {
      title: 'attempts of different decisions',
      parts: [
        { decisionId: 'd', completedUs: 5 },
        { decisionId: 'e', completedUs: 5 },
      ],
      want: [
        [0, 5, 1, 0],
        [0, 5, 1, 0],
      ],
    },
    {
      title: 'several charges of one decision',
      parts: [
        {
          completedUs: 5,
          charges: [
            { bucket: 'x', cost: 1 },
            { bucket: 'y', cost: 2 },
          ],
        },
      ],
      want: [
        [0, 5, 1, 16],
        [0, 5, 2, 20],
      ],
    },
  ] as const)('by $title', ({ parts, want }) => expect(rowsOf(...parts)).toEqual(want));
});
