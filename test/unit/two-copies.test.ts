import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Meter } from '@opentelemetry/api';
import { describe, expect, it, vi } from 'vitest';
import type { Environment } from '../../src/cli/process/environment.ts';
import { reportError } from '../../src/cli/process/report-error.ts';
import { type ErrorCode, OpenclawError } from '../../src/core/errors.ts';
import { rateLimit } from '../../src/http/fetch.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { RefusedError } from '../../src/limiter/strategies/central/reservation-scripts.ts';
import { withMetrics } from '../../src/metrics/with-metrics.ts';
import { ROOT } from '../support/readme.ts';

/** The classes of the build: those of another copy of this package. */
const load = (file: string) => import(pathToFileURL(join(ROOT, 'dist', file)).href);
const other: typeof import('../../src/core/errors.ts') = await load('core/errors.js');
const otherScripts = await load('limiter/strategies/central/reservation-scripts.js');

/** Of a version that has an error more. */
function ofTheFuture() {
  const error = new other.OpenclawError('REPLY_LOST', 'the disc is full', { hint: 'make room' });
  return Object.assign(error, { code: 'DISC_FULL' as ErrorCode, charge: 'none' });
}

/** A limiter whose takes fail by this error. */
function failing(error: Error) {
  const policy = { capacityTokens: 1, refill: { tokens: 1, perUs: 1 } };
  const limiter = { take: () => Promise.reject(error), policiesOf: () => [{ name: 'default', policy }] };
  return limiter as unknown as Limiter;
}

describe('an error of another copy of the package', () => {
  it('is an OpenclawError to each copy', () => {
    expect(other.OpenclawError).not.toBe(OpenclawError);
    for (const Of of [OpenclawError, other.OpenclawError])
      for (const To of [OpenclawError, other.OpenclawError])
        expect(new Of('REPLY_LOST', 'lost')).toBeInstanceOf(To);
  });

  it('is no error of a subclass of this copy', () => {
    const ours = new RefusedError('INVALID_COST', 'refused', { parts: [] } as never);
    const theirs = new otherScripts.RefusedError('INVALID_COST', 'refused', { parts: [] });
    expect([ours instanceof RefusedError, theirs instanceof RefusedError]).toEqual([true, false]);
    expect([ours, theirs].map((error) => error instanceof OpenclawError)).toEqual([true, true]);
  });

  it.each([
    { title: 'an error of the same name', value: Object.assign(new Error('x'), { name: 'OpenclawError' }) },
    { title: 'an object with its fields', value: { code: 'REPLY_LOST', charge: 'none', hint: '' } },
    { title: 'text', value: 'OpenclawError' },
    { title: 'null', value: null },
  ])('is not $title', ({ value }) => expect(value instanceof OpenclawError).toBe(false));

  it('keeps its code and its charge in the reply of a middleware, also a code that is not known', async () => {
    const subject = () => ({ user: 'ada', endpoint: 'search' });
    const handler = rateLimit(() => new Response('ok'), { limiter: failing(ofTheFuture()), subject });
    const reply = await handler(new Request('http://localhost'));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ code: 'DISC_FULL', charge: 'none' });
  });

  it('keeps them in metrics', async () => {
    const record = vi.fn();
    const meter = { createHistogram: () => ({ record }) } as unknown as Meter;
    const taking = withMetrics(failing(ofTheFuture()), { meter }).take({ user: 'ada', endpoint: 'search' });
    await expect(taking).rejects.toThrow('the disc is full');
    expect(record.mock.calls.map(([, attributes]) => attributes)).toEqual([
      {
        'openclaw_rl.outcome': 'unavailable',
        'error.type': 'DISC_FULL',
        'openclaw_rl.charge': 'none',
      },
    ]);
  });

  it('is reported with its hint, and is none of the usage if its code is not known', () => {
    const log = vi.fn();
    expect(reportError(ofTheFuture(), { log } as unknown as Environment)).toBe(69);
    expect(log).toHaveBeenCalledWith('error: the disc is full\n  make room [DISC_FULL]\n');
  });

  it('leaves a charge possible where only a code is known, and the code is not', () => {
    expect(new OpenclawError('DISC_FULL' as ErrorCode, 'full')).toMatchObject({
      charge: 'possible',
      hint: '',
    });
  });
});
