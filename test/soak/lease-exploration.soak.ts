import { expect, it } from 'vitest';
import { explore, describe as show } from '../support/explore.ts';
import { EXPLORED, LARGER } from '../support/lease/configurations.ts';
import { leaseModel } from '../support/lease/model.ts';
import { logSoak } from '../support/soak-log.ts';

it('every state of the larger configurations of the lease protocol keeps its promise', () => {
  const rows = [...EXPLORED, ...LARGER].map(([what, settings]) => {
    const startedAt = performance.now();
    const exploration = explore(leaseModel(settings), { maxStates: 4_000_000 });
    expect(exploration.violation, show(exploration)).toBeUndefined();
    expect(exploration.isCut, `${what}: ${show(exploration)}`).toBe(false);
    const { holders, capacity, leaseTicks, marginTicks, driftTicks, inFlight } = settings;
    const { states, transitions, depth } = exploration;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    return `| ${[what, holders, capacity, leaseTicks, marginTicks, driftTicks, inFlight, states, transitions, depth, seconds].join(' | ')} |`;
  });
  logSoak('every state of the lease protocol', [
    'Breadth first and whole, by the code that ships; no state in which more was admitted than one exact bucket allows.',
    '',
    '| configuration | holders | capacity | lease, ticks | margin | drift | in flight a holder | states | transitions | depth | s |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
