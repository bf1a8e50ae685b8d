import { expect, it } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { Mover } from '../support/rehome/mover.ts';
import { Regions } from '../support/rehome/two-homes.ts';

const REFUSED_BY_EAST = 'move 2 was refused: the bucket is not at east: move 1 took it away';
const REFUSED_BY_TARGET = 'move 2 was refused: the key without a home has seen move 3, which is later';

it.each([
  ['not where the request to close was lost', new OpenclawError('REPLY_LOST', 'lost'), ['east', 'west']],
  [
    'where a move that the old home refused has closed',
    refused(REFUSED_BY_EAST),
    ['east', 'west', undefined],
  ],
  ['not where the target itself refused', refused(REFUSED_BY_TARGET), ['east', 'west']],
])('a bucket is drained where it was, and %s', async (_, error, used) => {
  // Two moves at once: move 1 to west, which ends, and move 2 to the key without a home.
  const draws = [0, 0, 0, 0.9, 0];
  const rehome: Limiter['rehome'] = async (_subject, { move }) => {
    if (move === 2) throw error;
    return { remainingTokens: 1, levelQuanta: 1, nodes: { from: 'n', to: 'n' } };
  };
  const mover = new Mover({
    random: () => draws.shift() ?? 0.9,
    subject: { user: 'ada', endpoint: 'e' },
    processes: [{ limiter: { rehome } as Limiter, regions: new Regions() }],
    seen: { moves: 0, repeats: 0, refused: 0, failed: 0 },
    problems: [],
  });
  expect(await mover.move()).toBe(true);
  expect(new Set(mover.used)).toEqual(new Set(used));
  expect(mover.home).toBe('west');
});

function refused(message: string): OpenclawError {
  return new OpenclawError('MOVE_REFUSED', message);
}
