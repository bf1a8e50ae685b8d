import { expect, it } from 'vitest';
import { parsePromise } from '../checker/promise.ts';
import { claimsOfStrategy } from './declared-claims.ts';
import { claimsOfPromise } from './limiter-plugin.ts';

it.each([
  {
    title: 'an exact strategy to nothing too many',
    claims: claimsOfStrategy('central'),
    excess: 'total-excess <= 0',
  },
  {
    title: 'one whose services refuse on failure to the same',
    claims: claimsOfStrategy('acked', { onFailure: 'closed' }),
    excess: 'total-excess <= 0',
  },
  {
    title: 'one whose regions have shares to what these are declared to admit',
    claims: claimsOfStrategy('central', { onFailure: 'local-share' }),
    excess: 'total-excess <= bound',
  },
  {
    title: 'one whose services fail open to what is declared, which is nothing once they did',
    claims: claimsOfStrategy('central', { onFailure: 'open' }),
    excess: 'total-excess <= bound',
  },
])('bench holds $title, and to no false denial of the shared bucket', ({ claims, excess }) => {
  expect(claims).toEqual([excess, 'false-denials <= 0', 'replay <= 0']);
});

it.each([
  { promise: 'token-bucket', isClockRead: false, claims: ['total-excess <= 0', 'false-denials <= 0'] },
  { promise: 'sliding-window:9/60s', isClockRead: false, claims: ['windows <= 0', 'false-denials <= 0'] },
  { promise: 'fixed-window:9/60s:epoch', isClockRead: true, claims: ['windows <= 0', 'false-denials <= 0'] },
  { promise: 'fixed-window:9/60s:epoch', isClockRead: false, claims: ['windows <= 0'] },
  { promise: 'fixed-window:9/60s:first', isClockRead: true, claims: ['windows <= 0'] },
  { promise: 'sliding-counter:9/60s', isClockRead: true, claims: ['windows <= 0'] },
])(
  '$promise claims what can be judged of it, its clock read: $isClockRead',
  ({ promise, isClockRead, claims }) => {
    expect(claimsOfPromise(parsePromise(promise), { isClockRead })).toEqual(claims);
  },
);
