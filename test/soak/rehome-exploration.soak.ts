import { expect, it } from 'vitest';
import { explore, describe as show } from '../support/explore.ts';
import { EXPLORED, LARGER } from '../support/rehome/configurations.ts';
import { rehomeModel } from '../support/rehome/model.ts';
import { logSoak } from '../support/soak-log.ts';

it('every state of the larger configurations of moves between homes keeps its promise', () => {
  const rows = [...EXPLORED, ...LARGER].map(([what, settings]) => {
    const startedAt = performance.now();
    const exploration = explore(rehomeModel(settings), { maxStates: 4_000_000 });
    expect(exploration.violation, show(exploration)).toBeUndefined();
    expect(exploration.isCut, `${what}: ${show(exploration)}`).toBe(false);
    const { places, capacity, ticksPerToken, moves } = settings;
    const { states, transitions, depth } = exploration;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    return `| ${[what, places, moves.length, capacity, ticksPerToken, states, transitions, depth, seconds].join(' | ')} |`;
  });
  logSoak('every state of moves between homes', [
    'Breadth first and whole; no state in which more was admitted than one exact bucket allows, and none from which repeating the moves does not bring the bucket back.',
    '',
    '| configuration | homes | moves | capacity | ticks a token | states | transitions | depth | s |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
