import { change } from '../reservations/mistakes.ts';
import type { Mistake } from '../reservations/rig.ts';

const closesAgain = change('rehome-close', 'if state == OPENED and last == number then', 'if false then');
const asAnother = change(
  'rehome-close',
  'if state == OPENED then',
  'if state == OPENED and last ~= number then',
);

/** Mistakes of the scripts of a move, each of which mints tokens. */
export const MISTAKES: Readonly<Record<string, Mistake>> = {
  'leave keeps no mark': change(
    'rehome-leave',
    "redis.call('PSETEX', KEYS[1], math.max(keep, lifeMs), mark(number, LEFT))",
    "redis.call('DEL', KEYS[1])",
  ),
  'open fills the bucket': change('rehome-open', 'tonumber(ARGV[i + 3])', 'tonumber(ARGV[i])'),
  'close closes what it opened': (script) => asAnother(closesAgain(script)),
  'a repeated leave answers a full bucket': change(
    'rehome-leave',
    'return left(record, REPEATED)',
    'return { REPEATED, number, 0, ARGV[4] + 0, ARGV[6] + 0, ARGV[4] / ARGV[6] }',
  ),
};
