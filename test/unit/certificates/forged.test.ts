import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { CORRECT } from '../planted/correct.ts';
import { runSpecimen } from '../planted/run.ts';
import { forge, HEAD } from './forge.ts';
import { verify } from './verified.ts';

describe('the verifier confirms no conviction of a correct limiter:', () => {
  it.each(CORRECT.filter(({ splits }) => splits !== true))('$name', async (specimen) => {
    for (let seed = 1; seed <= 6; seed++) {
      const { records } = runSpecimen(specimen, seed, 1_000);
      const { counts } = await verify(records, [HEAD, ...forge(records, seed)]);
      expect({ seed, ...counts }).toMatchObject({ seed, excess: 0, denial: 0 });
    }
  });
});

const header = headerOf();
const operation = { bucket: 'u', cost: 10, invokedUs: 0, completedUs: 10 };
const one = operationOf(0, operation);
const end: HistoryRecord = { type: 'end', atUs: 20, sent: 1 };
const excess = { type: 'excess', bucket: 'u' } as const;

it.each([
  { title: 'without an admission', record: { ...excess, fromUs: 1e12, untilUs: 0, operations: [] } },
  {
    title: 'with one admission many times',
    record: { ...excess, fromUs: 0, untilUs: 10, operations: [0, '0', [0], [[0]]] as unknown as number[] },
  },
])('a window $title convicts nothing', async ({ record }) => {
  const { counts } = await verify([header, one, end], [HEAD, record]);
  expect(counts.excess).toBe(0);
});

it('a bucket is convicted once of each kind', async () => {
  const many = [0, 1, 2].map((index) => operationOf(index, operation));
  const record = { ...excess, fromUs: 0, untilUs: 10, operations: [0, 1, 2] };
  const { counts, exitCode } = await verify([header, ...many, { ...end, sent: 3 }], [HEAD, record, record]);
  expect({ ...counts, exitCode }).toMatchObject({ excess: 1, refused: 1, exitCode: 1 });
});

it('a denial by a failure policy, and one that another bucket explains, convict nothing', async () => {
  const denial = operationOf(0, { ...operation, outcome: 'denied', cost: 1 });
  const decision = { strategy: 'central', node: 'n', source: 'fallback', charge: 'none' } as const;
  const charges = [
    { bucket: 'u', cost: 1 },
    { bucket: 'w', cost: 1 },
  ];
  const record: CertificateRecord = { type: 'denial', bucket: 'u', operation: 0 };
  const found = async (operation: HistoryRecord) =>
    (await verify([header, operation, end], [HEAD, record])).counts;
  expect(await found({ ...denial, decision })).toMatchObject({ denial: 0, refused: 1 });
  expect(await found({ ...denial, charges })).toMatchObject({ denial: 0, undecided: 1 });
  expect(await found(denial)).toMatchObject({ denial: 1 });
});

it('a history without its end convicts nothing', async () => {
  const denial = operationOf(0, { ...operation, outcome: 'denied', cost: 1 });
  const record: CertificateRecord = { type: 'denial', bucket: 'u', operation: 0 };
  expect((await verify([header, denial], [HEAD, record])).counts).toMatchObject({ denial: 0, undecided: 1 });
});

describe('a proof is refused that gives back', () => {
  const reserved = operationOf(0, operation);
  const later = operationOf(1, { ...operation, invokedUs: 2_000, completedUs: 2_010 });
  const settled = { cost: 10, invokedUs: 20, completedUs: 30, outcome: 'allowed' } as const;
  const clock: CertificateRecord = { type: 'clock', clock: 0, nodes: [], points: [[0, 0]] };

  it.each([
    {
      title: 'what expired, of a reservation that was settled',
      steps: { settled, expiresUs: 1_000 },
      row: 2,
    },
    { title: 'what expired, of one that was not', steps: { expiresUs: 1_000 }, row: 1 },
    {
      title: 'an extension without a reply, which it leaves out',
      steps: {
        extended: [{ cost: 10, invokedUs: 12, completedUs: null, outcome: 'info' } as const],
        settled,
      },
      row: 2,
    },
  ])('$title', async ({ steps, row }) => {
    const history: HistoryRecord[] = [header, { ...reserved, ...steps }, later, { ...end, sent: 2 }];
    const proof: CertificateRecord = {
      ...({ type: 'proof', bucket: 'u', clock: 0, proves: 'all' } as const),
      ...{ order: [0, 2 * row, 2], momentsUs: [5, row === 2 && 'extended' in steps ? 20 : 1_500, 600] },
    };
    const { refused } = await verify(history, [HEAD, clock, proof]);
    expect(refused.get('u')).toBe(`operation ${row} charges nothing, or may have given back nothing`);
  });
});

it('the verifier confirms no denial after a reservation that may have been made again', async () => {
  const op = (index: number, part: object) => operationOf(index, { cost: 20, decisionId: 'job', ...part });
  const made = op(0, { invokedUs: 0, completedUs: 10, expiresUs: 1_000_000 });
  const again = op(1, { invokedUs: 5_000_000, completedUs: 5_000_010 });
  const denied = operationOf(2, { invokedUs: 5_100_000, completedUs: 5_100_010, outcome: 'denied' });
  const end = { type: 'end', atUs: 6_000_000, sent: 3 } as const;
  const confirmed = async (first: typeof made, operation: number) => {
    const records: HistoryRecord[] = [headerOf(), first, again, denied, end];
    const { counts } = await verify(records, [HEAD, { type: 'denial', bucket: 'b', operation }]);
    return counts.denial;
  };
  expect(await confirmed(made, 3)).toBe(0);
  const { expiresUs: _, ...lasting } = made;
  expect(await confirmed(lasting as typeof made, 2)).toBe(1);
});

it('the verifier counts a reservation without a reply as admitted if it was settled', async () => {
  const settled = { cost: 20, invokedUs: 20, completedUs: 30, outcome: 'allowed' } as const;
  const lost = operationOf(0, { cost: 20, invokedUs: 0, completedUs: null, outcome: 'info', settled });
  const more = operationOf(1, { cost: 20, invokedUs: 40, completedUs: 50 });
  const excess = { type: 'excess', bucket: 'b', fromUs: 0, untilUs: 50, operations: [0, 2] } as const;
  const records: HistoryRecord[] = [headerOf(), lost, more, { type: 'end', atUs: 60, sent: 2 }];
  expect((await verify(records, [HEAD, excess])).counts.excess).toBe(1);
});
