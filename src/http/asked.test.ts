import { describe, expect, it } from 'vitest';
import { askSubject } from './asked.ts';
import type { RateLimitOptions } from './options.ts';

type Subject = RateLimitOptions<readonly []>['subject'];

const ada = { user: 'ada', endpoint: 'search' };
const noUser = { problem: { status: 400, detail: 'The request has no user.' } };
const forbidden = Object.assign(new Error('not yours'), { status: 403 });
const broken = new Error('broken');

const noGetter = {
  get user(): string {
    throw broken;
  },
  endpoint: 'search',
};

/** The errors that `onError` got, once its promise has resolved. */
async function ask(subject: Subject) {
  const errors: unknown[] = [];
  const found = askSubject(
    {
      subject,
      onError: async (error) => {
        await Promise.resolve();
        errors.push(error);
      },
    },
    [],
  );
  return { isLater: found instanceof Promise, found: await found, errors };
}

describe('the subject of a request', () => {
  it.each<{ title: string; subject: Subject; isLater: boolean; found: object; errors?: unknown[] }>([
    { title: 'is found at once', subject: () => ada, isLater: false, found: { asked: ada } },
    { title: 'is waited for', subject: async () => ada, isLater: true, found: { asked: ada } },
    {
      title: 'is waited for if it is like a promise',
      // biome-ignore lint/suspicious/noThenProperty: what other libraries return
      subject: () => ({ then: (resolve: (asked: typeof ada) => void) => resolve(ada) }) as never,
      isLater: true,
      found: { asked: ada },
    },
    { title: 'is refused without a user', subject: () => undefined, isLater: false, found: noUser },
    { title: 'is refused without a user later', subject: async () => null, isLater: true, found: noUser },
    {
      title: 'is refused by an error with a status',
      subject: () => {
        throw forbidden;
      },
      isLater: true,
      found: { problem: { status: 403, detail: 'not yours' } },
    },
    {
      title: 'is refused by a rejection with a status',
      subject: () => Promise.reject(forbidden),
      isLater: true,
      found: { problem: { status: 403, detail: 'not yours' } },
    },
    {
      title: 'is refused after any other error, which is reported',
      subject: () => {
        throw broken;
      },
      isLater: true,
      found: noUser,
      errors: [broken],
    },
    {
      title: 'is refused after any other rejection, which is reported',
      subject: () => Promise.reject(broken),
      isLater: true,
      found: noUser,
      errors: [broken],
    },
    ...[false, true].map((isLater) => ({
      title: `is refused after an error in its user, which is reported${isLater ? ', later' : ''}`,
      subject: () => (isLater ? Promise.resolve(noGetter) : noGetter),
      isLater: true,
      found: noUser,
      errors: [broken],
    })),
  ])('$title', async ({ subject, isLater, found, errors = [] }) => {
    expect(await ask(subject)).toMatchObject({ isLater, found, errors });
  });
});
