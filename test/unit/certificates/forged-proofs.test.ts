import { describe, expect, it } from 'vitest';
import { headerOf, operationOf } from '../../support/history.ts';
import { HEAD } from './forge.ts';
import { certifyParts } from './part-runs.ts';
import { verifyTexts } from './verified.ts';

const CLOCK = { type: 'clock', clock: 0, nodes: [], points: [[0, 0]] };
const textOf = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const endOf = (sent: number) => ({ type: 'end', atUs: 9_000, sent }) as const;
const SCARCE = headerOf('1:1/1000s');

/** Operations 10 us apart, with fields as another program may write them. */
const operationsOf = (fields: readonly object[]) =>
  fields.map((own, index) => {
    const us = 10 * index + 10;
    return { ...operationOf(index, { invokedUs: us, completedUs: us + 5 }), ...own };
  });

/** What the verifier says of a proof with these operations at these moments, each twice its number. */
async function found(
  history: string | Uint8Array,
  steps: readonly (readonly [code: number, us: number])[],
  more = {},
) {
  const rise = (values: readonly number[]) => values.map((value, at) => value - (values[at - 1] ?? 0));
  const [order, momentsUs] = [steps.map(([code]) => code), steps.map(([, us]) => us)].map(rise);
  const proof = { type: 'proof', bucket: 'b', proves: 'all', clock: 0, order, momentsUs, ...more };
  const counts = { admissionsProved: 0, withinBound: 0, convicted: 0 };
  const end = { type: 'end', buckets: 1, proved: 1, ...counts, open: 0 };
  const verified = await verifyTexts([history], textOf([HEAD, CLOCK, proof, end]));
  return { proved: verified.counts.proved, exitCode: verified.exitCode, says: verified.refusals[0]?.[1] };
}

const missing = { proved: 0, exitCode: 1, says: 'operation 1 is missing' };

describe('an operation is not left out of a proof because', () => {
  it.each([
    { title: 'its cost is null, which is 1', fields: { cost: null } },
    { title: 'its cost is absent, which is 1', fields: { cost: undefined } },
    { title: 'its decisionId is null', fields: { decisionId: null } },
    { title: 'its charge has no cost', fields: { charges: [{ bucket: 'b', cost: null, policy: null }] } },
  ])('$title', async ({ fields }) => {
    const history = [SCARCE, ...operationsOf([fields, fields, fields]), endOf(3)];
    expect(await found(textOf(history), [[0, 10]])).toEqual(missing);
  });

  it('its policy is null, which is none', async () => {
    const history = [SCARCE, ...operationsOf([{}, { policy: null }]), endOf(2)];
    expect(await found(textOf(history), [[0, 10]])).toEqual(missing);
  });

  it('its policy is the one without a name', async () => {
    const policies = { '': { capacity: 1, refill: { tokens: 1, perUs: 1e9 } } };
    const operations = operationsOf([{ policy: '' }, { policy: '' }]);
    const history = textOf([{ ...headerOf('9:1/1000s'), policies }, ...operations, endOf(2)]);
    const steps = [
      [0, 10],
      [2, 20],
    ] as const;
    expect((await found(history, steps)).says).toBe('the history has no such bucket');
  });
});

describe('a history is damaged whose', () => {
  it('attempts of one decision differ in cost', async () => {
    const operations = operationsOf([
      { cost: 1, decisionId: 'x' },
      { cost: 10, decisionId: 'x' },
      { cost: 9 },
    ]);
    const history = textOf([headerOf('10:1/1000s'), ...operations, endOf(3)]);
    const steps = [
      [0, 10],
      [4, 30],
    ] as const;
    await expect(found(history, steps)).rejects.toThrow(/64: .*attempts of one decision differ in cost/);
  });

  it('decisions would be one if bytes that are not UTF-8 were replaced', async () => {
    const history = textOf([SCARCE, ...operationsOf([{ decisionId: 'ä' }, { decisionId: 'ö' }]), endOf(2)]);
    await expect(found(Buffer.from(history, 'latin1'), [[0, 10]])).rejects.toThrow(/64: .*it is not UTF-8/);
  });

  it.each([{ cost: '1' }, { cost: 0.5 }, { decisionId: 1 }])('operation has %j', async (fields) => {
    const history = textOf([SCARCE, ...operationsOf([fields]), endOf(1)]);
    await expect(found(history, [[0, 10]])).rejects.toThrow(/64: /);
  });
});

describe('a reservation is not proved', () => {
  const header = headerOf('10:1/1000s');
  const open = { cost: 5, invokedUs: 11, completedUs: null, outcome: 'info', latestUs: 14 };
  const settled = { invokedUs: 15, completedUs: 18, outcome: 'allowed' };
  it.each([
    {
      title: 'that cost more than it held without its extension',
      fields: [{ cost: 5, extended: [open], settled: { ...settled, cost: 9 } }, { cost: 5 }],
      steps: [
        [0, 10],
        [6, 20],
      ] as const,
    },
    {
      title: 'that gave back all, to explain a denial',
      fields: [{ cost: 10, extended: [open], settled: { ...settled, cost: 0 } }, { outcome: 'denied' }],
      steps: [
        [0, 10],
        [6, 20],
      ] as const,
    },
    {
      title: 'that was extended, as if it had not been made',
      fields: [
        {
          ...{ cost: 8, outcome: 'info', completedUs: null },
          extended: [{ cost: 2, invokedUs: 11, completedUs: 14, outcome: 'allowed' }],
        },
        { cost: 8 },
      ],
      steps: [
        [2, 12],
        [4, 20],
      ] as const,
    },
  ])('$title', async ({ fields, steps }) => {
    const history = [header, ...operationsOf(fields), endOf(2)];
    const says = 'it has a reservation of which it is unknown how much it held';
    expect(await found(textOf(history), steps)).toEqual({ proved: 0, exitCode: 1, says });
    const own = certifyParts([history as never]);
    expect(own.filter(({ type }) => type === 'proof')).toEqual([]);
  });

  it('with a charge that only its extension has', async () => {
    const extended = [{ cost: 1, maxCharge: 9, invokedUs: 11, completedUs: 14, outcome: 'allowed' }];
    const operations = operationsOf([{ extended }, { outcome: 'denied' }]);
    const steps = [
      [0, 10],
      [2, 12],
      [3, 13],
      [4, 20],
    ] as const;
    expect(await found(textOf([header, ...operations, endOf(2)]), steps)).toMatchObject({ proved: 0 });
  });
});

it.each(['expires', 'goesOn', 'isLocal'])(
  'a field %s of an operation makes no second charge',
  async (name) => {
    const attempts = [{ decisionId: 'x', [name]: true }, { decisionId: 'x' }];
    const history = [headerOf('2:1/1000s'), ...operationsOf([...attempts, { outcome: 'denied' }]), endOf(3)];
    const steps = [
      [0, 10],
      [2, 22],
      [4, 30],
    ] as const;
    const says = 'operation 1 charges nothing, or may have given back nothing';
    expect(await found(textOf(history), steps)).toEqual({ proved: 0, exitCode: 1, says });
  },
);

it.each(['start?', 'policy?'])('a proof has no field %s', async (name) => {
  const says = `its "${name}" is unknown, or has a wrong value`;
  const history = textOf([SCARCE, ...operationsOf([{}]), endOf(1)]);
  expect(await found(history, [[0, 10]], { [name]: 1 })).toEqual({ proved: 0, exitCode: 1, says });
});

describe('an honest proof is accepted of a history', () => {
  const records = [SCARCE, ...operationsOf([{ settled: null, extended: null, expiresUs: null }]), endOf(1)];
  const text = textOf(records);
  it.each([
    { title: 'with fields that are null', history: text },
    { title: 'with a mark of the byte order', history: `\ufeff${text}` },
    { title: 'with other line ends', history: text.replaceAll('\n', '\r\n\r\n') },
    { title: 'with a line of spaces', history: text.replace('\n', '\n  \n') },
  ])('$title', async ({ history }) => {
    expect(await found(history, [[0, 10]])).toMatchObject({ proved: 1, exitCode: 0 });
  });

  it('whose header does not say how full buckets begin', async () => {
    const { initial: _, ...header } = SCARCE;
    const history = textOf([header, ...operationsOf([{ outcome: 'denied' }]), endOf(1)]);
    expect(await found(history, [[0, 10]], { start: [0, 1] })).toMatchObject({ proved: 1, exitCode: 0 });
  });
});
