import { expect, it } from 'vitest';
import { roleText } from './rows.ts';

it.each([
  { args: { from: 'replica', to: 'primary', slots: '0-5460' }, says: 'replica to primary, slots 0-5460' },
  { args: { from: 'primary', to: 'replica', slots: '' }, says: 'primary to replica' },
  { args: { from: 'replica', to: 'primary', slots: '0-16383' }, says: 'replica to primary' },
  { args: { from: 'replica', to: 'down', slots: '' }, says: 'does not answer, was replica' },
  { args: { from: 'down', to: 'primary', slots: '0-5460' }, says: 'answers again, as primary, slots 0-5460' },
])('a change of role reads $says', ({ args, says }) => expect(roleText(args)).toBe(says));
