import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HuntWorkers } from '../../src/cli/threads/hunt-workers.ts';
import { groundOf } from '../../src/hunt/ground.ts';
import type { Schedule } from '../../src/hunt/schedule.ts';
import { testFolder } from '../support/cli.ts';

const schedule = (seed: number): Schedule => ({
  seed,
  load: { users: 1, ratePerSecond: 20, durationMs: 4_000, roaming: 1, skew: 0, costs: [1] },
  faults: [],
});

/** Threads of this code, which knows `answer(seed)`; `task(seed)` is called for each schedule. */
function workersOf(task: string, { count = 2, mostMs = 60_000 } = {}): HuntWorkers {
  const code = `
    import { parentPort, threadId } from 'node:worker_threads';
    const answer = (requests) => parentPort.postMessage({ excess: 0, bound: 0, lacking: 1, verdict: 'pass', requests, lostPerSecond: 0 });
    const task = ${task};
    parentPort.on('message', ({ schedule }) => task(schedule.seed));`;
  const program = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const workers = new HuntWorkers({ ground: groundOf('central'), count, mostMs, program });
  onTestFinished(() => workers.close());
  return workers;
}

describe('threads that simulate schedules', { timeout: 60_000 }, () => {
  it('each do one at a time, and answer in the order asked', async () => {
    const workers = workersOf('(seed) => setTimeout(answer, 20 / seed, seed)');
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map((seed) => workers.simulate(schedule(seed))));
    expect(outcomes).toMatchObject([1, 2, 3, 4, 5].map((requests) => ({ requests })));
  });

  it('are no more than asked for', async () => {
    const workers = workersOf('() => answer(threadId)', { count: 3 });
    const outcomes = await Promise.all([...Array(30).keys()].map((seed) => workers.simulate(schedule(seed))));
    const threads = outcomes.map((outcome) => (outcome === 'stopped' ? outcome : outcome.requests));
    expect(new Set(threads).size).toBeGreaterThan(0);
    expect(new Set(threads).size).toBeLessThanOrEqual(3);
  });

  it.each([
    { how: 'exit', task: '(seed) => (seed === 2 ? process.exit(7) : answer(seed))', says: /code 7/ },
    {
      how: 'throw',
      task: "(seed) => { if (seed === 2) throw new Error('lost'); answer(seed); }",
      says: /lost/,
    },
    {
      how: 'loop for ever',
      task: '(seed) => { while (seed === 2); answer(seed); }',
      says: /no result after 0\.5 s/,
      mostMs: 500,
    },
  ])('are replaced if they $how; their schedule has failed, all others have not', async (of) => {
    const workers = workersOf(of.task, { count: 1, mostMs: of.mostMs ?? 60_000 });
    const outcomes = await Promise.all([1, 2, 3].map((seed) => workers.simulate(schedule(seed))));
    expect(outcomes).toMatchObject([
      { requests: 1, verdict: 'pass' },
      { requests: 0, verdict: 'unknown', failure: expect.stringMatching(of.says) },
      { requests: 3, verdict: 'pass' },
    ]);
  });

  it('get a schedule once more whose thread has ended', async () => {
    const file = join(testFolder(), 'was here');
    const endsOnce = `(seed) => {
      const { existsSync, writeFileSync } = process.getBuiltinModule('node:fs');
      if (existsSync('${file}')) return answer(seed);
      writeFileSync('${file}', '');
      process.exit(7);
    }`;
    const workers = workersOf(endsOnce, { count: 1 });
    expect(await workers.simulate(schedule(2))).toMatchObject({ requests: 2, verdict: 'pass' });
  });

  it('stop what they do when they are closed, and begin nothing', async () => {
    const workers = workersOf('() => {}', { count: 1 });
    const waiting = [1, 2].map((seed) => workers.simulate(schedule(seed)));
    await workers.close();
    expect(await Promise.all([...waiting, workers.simulate(schedule(3))])).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ]);
  });
});
