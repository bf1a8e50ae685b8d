import { describe, expect, it } from 'vitest';
import { BASE, type Clock, MACHINES, NODE, readings, S, take } from '../../../test/support/part-clocks.ts';
import { historyOfParts, partOf } from '../../../test/support/part-history.ts';
import type { Event } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';
import { otherServers } from './other-servers.ts';

const [A, B] = MACHINES as [Clock, Clock];
const WAY = { there: 400, back: 300 };
const event = (node: string, runId: string, part = 'a'): Event => ({
  ...{ type: 'event', event: 'server', node, atUs: 0, args: { runId } },
  ...{ part, machine: `machine-${part}` },
});

/** Each part spends the whole bucket of the server that it calls n. */
function judged(runIds: readonly (string | undefined)[]) {
  const spent = (own: Clock) =>
    [0, 1, 2, 3].map((at) => take(own, at * 1_000, {}, (3 - at) * S + at * 1_000));
  const parts = [A, B].map((own, at) => ({
    part: partOf('ab'[at]),
    operations: [...spent(own), take(own, 5_000, { outcome: 'denied' }, 5_000)],
    header: { refunds: 'none' as const },
    records: [
      ...readings(own, BASE, WAY),
      ...readings(own, NODE, WAY),
      ...(runIds[at] === undefined
        ? []
        : [{ ...event('n', runIds[at]), part: undefined, machine: undefined }]),
    ] as never,
  }));
  return checkHistory(historyOfParts(parts, { policy: '4:1/s' }), {
    busiest: [],
    contestedBucketsAtLeast: 1,
  });
}

describe('a node that is another server for another machine', () => {
  it('makes the verdict unknown, names both machines and says what to do', () => {
    const report = judged(['3f2a', '9b1c']);
    expect(report.verdict).toBe('unknown');
    expect(report.overAdmission.total + report.falseDenials.total + report.replay.total).toBe(0);
    expect(report.proofs).toMatchObject({ proved: 0, whyNone: 'parts of the run contradict each other' });
    expect(report.contradictions).toEqual([
      'parts have reached different Redis servers as n: the part a on machine machine-a reached the one with run_id 3f2a, the part b on machine machine-b reached the one with run_id 9b1c; so n is several servers, each with buckets of its own, or was restarted before the load, and nothing is judged; if it was restarted, run all parts again; if not, give n an address in each endpoints file by which its machine reaches the same server, so not 127.0.0.1',
    ]);
    expect(report.events).toEqual([]);
  });

  it.each([
    { title: 'if it is the same server', runIds: ['3f2a', '3f2a'] },
    { title: 'if only one part knows it', runIds: ['3f2a', undefined] },
  ] as const)('is judged as ever $title', ({ runIds }) => {
    expect(judged(runIds).verdict).toBe('fail');
  });

  it('is named with at most two others', () => {
    const events = Array.from({ length: 5 }, (_, at) => [
      event(`n${at}`, 'x'),
      event(`n${at}`, 'y', 'b'),
    ]).flat();
    expect(otherServers(events)).toHaveLength(4);
    expect(otherServers(events).at(-1)).toBe('2 more nodes are other servers for some parts, too');
  });
});
