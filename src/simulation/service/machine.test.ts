import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../virtual-time.ts';
import { Machine } from './machine.ts';

/** When each piece of work is done. Each thread gets all of its works at 0. */
async function timesOf(works: readonly (readonly number[])[]): Promise<number[][]> {
  const time = new VirtualTime();
  const machine = new Machine(time, 0);
  const times = works.map(() => [] as number[]);
  for (const [at, ofThread] of works.entries()) {
    const thread = machine.thread();
    for (const us of ofThread) thread.do({ us, done: () => times[at]?.push(time.nowUs) });
  }
  await time.runUntil(10_000);
  return times;
}

describe('a simulated machine of two processors', () => {
  it.each<{ title: string; works: readonly (readonly number[])[]; done: number[][] }>([
    { title: 'runs two threads at once', works: [[30], [40]], done: [[30], [40]] },
    { title: 'runs one thread on one processor', works: [[30, 20]], done: [[30, 50]] },
    {
      title: 'lets a third thread wait for the first free processor',
      works: [[30], [40], [10]],
      done: [[30], [40], [40]],
    },
    {
      title: 'lets a thread do all that it has',
      works: [[10, 10], [10, 10], [10]],
      done: [[10, 20], [10, 20], [30]],
    },
    {
      title: 'lets another thread have its turn once a slice of 3 ms is over',
      works: [[2_000, 2_000, 1_000], [8_000], [10]],
      done: [[2_000, 4_000, 5_010], [8_000], [4_010]],
    },
  ])('$title', async ({ works, done }) => {
    expect(await timesOf(works)).toEqual(done);
  });

  it('begins work that arrives later at once, if a processor is free', async () => {
    const time = new VirtualTime();
    const thread = new Machine(time, 0).thread();
    const times: number[] = [];
    time.at(100, () => thread.do({ us: 10, done: () => times.push(time.nowUs) }));
    await time.runUntil(1_000);
    expect(times).toEqual([110]);
  });

  it('wakes a thread up before the first work, and not before what it has got meanwhile', async () => {
    const time = new VirtualTime();
    const thread = new Machine(time, 5).thread();
    const times: number[] = [];
    const work = () => thread.do({ us: 10, done: () => times.push(time.nowUs) });
    for (const atUs of [0, 12, 100]) time.at(atUs, work);
    await time.runUntil(1_000);
    expect(times).toEqual([15, 25, 115]);
  });
});
