import { expect, it } from 'vitest';
import { claimsOfStrategy } from './declared-claims.ts';

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
