import { expect, it, onTestFinished, vi } from 'vitest';
import { OpenclawError } from '../../core/errors.ts';
import type { Limiter, Subject } from '../limiter.ts';
import { systemSurroundings } from '../system-surroundings.ts';
import { decideOnFailure } from '../wrappers/failure-policy.ts';
import { readBuckets } from './buckets.ts';

const ada = { user: 'ada', endpoint: 'search' };
const table = { format: 'openclaw-homes', version: 1, regions: { 'us-east': { slots: '0-16383' } } };

/** What a take asks the functions of the caller. */
const FUNCTIONS: readonly [name: string, ask: (rule: (subject: Subject) => unknown) => unknown][] = [
  [
    'homes.regionOf',
    (rule) =>
      readBuckets({ policy: '20:5/s', homes: { ...table, regionOf: rule as () => string } }).keyOf(ada),
  ],
  [
    'overrides',
    (rule) => readBuckets({ policy: '20:5/s', overrides: rule as () => undefined }).policiesOf(ada),
  ],
];

it.each(FUNCTIONS)('%s that is async is refused, and its rejection ends no process', async (name, ask) => {
  const unhandled = vi.fn();
  process.prependListener('unhandledRejection', unhandled);
  onTestFinished(() => void process.off('unhandledRejection', unhandled));
  const rejecting = Promise.reject(new Error('no database'));
  expect(() => ask(() => rejecting)).toThrow(
    expect.objectContaining({
      ...{ code: 'INVALID_OPTION', charge: 'none', message: `${name} is synchronous; found a promise` },
      hint: 'load its answers beforehand, and return them synchronously',
    }),
  );
  await new Promise(setImmediate); // unhandled rejections are emitted before
  expect(unhandled).not.toHaveBeenCalled();
});

it.each(FUNCTIONS)('%s that throws is refused, with its error as cause', async (name, ask) => {
  const mistake = new TypeError('user is not a number');
  const refused = {
    ...{ code: 'INVALID_OPTION', charge: 'none', cause: mistake },
    message: `${name} threw: user is not a number`,
  };
  const fail = () => {
    throw mistake;
  };
  expect(() => ask(fail)).toThrow(expect.objectContaining(refused));
  const limiter = { take: async () => ask(fail) } as unknown as Limiter;
  const answering = decideOnFailure(limiter, { onFailure: 'open', names: ['default'] }, systemSurroundings);
  await expect(answering.take(ada)).rejects.toMatchObject(refused);
});

it.each(FUNCTIONS)('%s may throw an error of its own choice with a code', (_, ask) => {
  const chosen = new OpenclawError('REDIS_UNREACHABLE', 'the table of users is away');
  expect(() =>
    ask(() => {
      throw chosen;
    }),
  ).toThrow(chosen);
});
