import { expect, it } from 'vitest';
import { eventText } from './event-text.ts';

it.each([
  { args: { from: 'replica', to: 'primary', slots: '0-5460' }, says: 'replica to primary, slots 0-5460' },
  { args: { from: 'primary', to: 'replica', slots: '' }, says: 'primary to replica' },
  { args: { from: 'replica', to: 'primary', slots: '0-16383' }, says: 'replica to primary' },
  { args: { from: 'replica', to: 'down', slots: '' }, says: 'does not answer, was replica' },
  { args: { from: 'primary', to: 'primary', slots: '0-99' }, says: 'slots 0-99 now' },
  { args: { from: 'down', to: 'primary', slots: '0-5460' }, says: 'answers again, as primary, slots 0-5460' },
])('a change of role reads $says', ({ args, says }) => expect(eventText('role', args)).toBe(says));

it.each([
  { untilUs: 2_500_000, says: 'slots 0-99 from a-0 to b-0, until 2.500 s' },
  { untilUs: null, says: 'slots 0-99 from a-0 to b-0, without a certain end' },
])('$says', ({ untilUs, says }) =>
  expect(eventText('slots', { from: 'a-0', to: 'b-0', slots: '0-99', untilUs })).toBe(says),
);

it.each([
  { args: { bit: true, saw: 'a-0 answers' }, says: 'a-0 answers' },
  { args: { bit: false, saw: 'a-0 answers' }, says: 'not seen: a-0 answers' },
  { args: { bit: true, saw: 'a-0 answers', noKey: 'it has no key' }, says: 'a-0 answers, but it has no key' },
])('what was seen of a fault reads $says', ({ args, says }) => expect(eventText('proof', args)).toBe(says));
