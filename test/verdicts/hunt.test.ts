import { expect, it } from 'vitest';
import { evaluateHere } from '../../src/hunt/evaluate.ts';
import { isFound } from '../../src/hunt/outcome.ts';
import { BROKEN } from '../support/hunt/broken.ts';
import { huntBroken } from '../support/hunt/measure.ts';

const NAME = 'outstandingTakesRoom';

it('a lease without a rule is found and shrunk; with the rule, the same schedule is within the bound', async () => {
  const broken = BROKEN.find(({ name }) => name === NAME);
  if (broken === undefined) throw new RangeError(`${NAME} is not hunted`);
  const { random, climb, shrunk } = await huntBroken(broken, { seed: 1, most: 64, isShrunk: true });
  expect(climb).toBeLessThanOrEqual(64);
  expect(random).toBeLessThanOrEqual(64);
  if (shrunk === null) throw new Error('nothing was shrunk');
  const { schedule, outcome } = shrunk;
  expect(isFound(outcome)).toBe(true);
  expect(schedule.faults.length).toBeLessThanOrEqual(2);
  expect(schedule.load.users).toBeLessThanOrEqual(3);
  const [whole] = await evaluateHere(broken.ground)([schedule]);
  expect(whole).toMatchObject({ excess: 0, bound: 0 });
}, 240_000);
