import { describe, expect, it } from 'vitest';
import { makeRandom } from '../core/prng.ts';
import { NOT_PLANNED } from './planned.ts';
import { dateOfSeed, ProcessTime, VirtualTime } from './virtual-time.ts';

describe('virtual time', () => {
  it('runs events in the order of their times, and of one instant as they were planned', async () => {
    const time = new VirtualTime();
    const seen: string[] = [];
    for (const [at, name] of [
      [30, 'c'],
      [10, 'a'],
      [10, 'b'],
      [40, 'late'],
    ] as const)
      time.at(at, () => seen.push(`${name}@${time.nowUs}`));
    await time.runUntil(39);
    expect(seen).toEqual(['a@10', 'b@10', 'c@30']);
    expect(time.nowUs).toBe(39);
  });

  it('lets all go on that waits for a timer before the next event', async () => {
    const time = new VirtualTime();
    const process = new ProcessTime(time);
    const seen: number[] = [];
    const sleep = () => new Promise<void>((resolve) => process.after(5, resolve));
    const play = async () => {
      await sleep();
      for (let i = 0; i < 20; i++) await undefined;
      seen.push(time.nowUs);
      await sleep();
      seen.push(time.nowUs);
    };
    void play();
    time.at(5_000, () => {});
    time.at(5_001, () => seen.push(-1));
    await time.runUntil(20_000);
    expect(seen).toEqual([5_000, -1, 10_000]);
  });

  it('keeps the order of events when most of them are cancelled', async () => {
    const time = new VirtualTime();
    const random = makeRandom(7, 'events');
    const seen: string[] = [];
    const want: { readonly atUs: number; readonly nth: number }[] = [];
    for (let nth = 0; nth < 20_000; nth++) {
      const atUs = Math.floor(random() * 5_000);
      const timer = time.at(atUs, () => {
        seen.push(`${nth}@${time.nowUs}`);
        timer.cancel(); // it has run: nothing to cancel
      });
      if (random() < 0.9) timer.cancel();
      else want.push({ atUs, nth });
    }
    await time.runUntil(2_500);
    time.after(0, () => seen.push('last')).cancel();
    await time.runUntil(5_000);
    want.sort((a, b) => a.atUs - b.atUs || a.nth - b.nth);
    expect(seen).toEqual(want.map(({ atUs, nth }) => `${nth}@${atUs}`));
  });

  it('does not call a timer that was cancelled', async () => {
    const time = new VirtualTime();
    const process = new ProcessTime(time);
    let calls = 0;
    const every = process.every(2, () => calls++ === 2 && every.cancel());
    process.after(3, () => calls++).cancel();
    await time.runUntil(1_000_000);
    expect(calls).toBe(3);
  });

  it('leaves out the ticks that are not needed, and keeps the place of all others', async () => {
    const time = new VirtualTime();
    const seen: string[] = [];
    const spared = [0, 3, 1, Number.POSITIVE_INFINITY];
    new ProcessTime(time).ticks(1, () => {
      seen.push(`tick@${time.nowUs}`);
      return spared.shift() ?? 0;
    });
    time.at(4_500, () => time.at(6_000, () => seen.push(`before@${time.nowUs}`))); // the tick is planned at 5000
    time.at(6_500, () => time.at(7_000, () => seen.push(`after@${time.nowUs}`)));
    await time.runUntil(50_000);
    expect(seen).toEqual([
      ...['tick@1000', 'tick@2000', 'before@6000', 'tick@6000', 'after@7000'],
      'tick@8000',
    ]);
  });

  it('ends ticks that are cancelled while some are left out', async () => {
    const time = new VirtualTime();
    let calls = 0;
    const ticks = new ProcessTime(time).ticks(1, () => (++calls === 1 ? 5 : 0));
    await time.runUntil(3_000);
    ticks.cancel();
    await time.runUntil(50_000);
    expect(calls).toBe(1);
  });

  it('plans one object again once it has happened or is cancelled', async () => {
    const time = new VirtualTime();
    const seen: number[] = [];
    const planned = { order: NOT_PLANNED, happen: () => void seen.push(time.nowUs) };
    time.plan(planned, 10);
    await time.runUntil(20);
    time.plan(planned, 30);
    time.cancel(planned);
    time.plan(planned, 25);
    await time.runUntil(28);
    time.plan(planned, 30);
    time.cancel(planned);
    time.cancel(planned);
    time.plan(planned, 40);
    await time.runUntil(50);
    expect(seen).toEqual([10, 25, 40]);
  });

  it('has a date that passes with it', async () => {
    const startMs = Date.UTC(2026, 0, 1, 12);
    const time = new VirtualTime(startMs * 1_000);
    const process = new ProcessTime(time);
    await time.runUntil(2_000_500);
    expect([process.dateMs() - startMs, time.dateUs(7)]).toEqual([2_000, startMs * 1_000 + 7]);
  });

  it('begins at a moment of one day that its seed draws', () => {
    const dates = Array.from({ length: 1_000 }, (_, seed) => dateOfSeed(seed));
    expect(new Set(dates.map((us) => new Date(us / 1_000).toISOString().slice(0, 10)))).toEqual(
      new Set(['2026-01-01']),
    );
    const tenths = dates.map((us) => Math.floor((us % 1_000_000) / 100_000));
    expect(new Set(tenths).size).toBe(10);
    expect(dateOfSeed(7)).toBe(dateOfSeed(7));
  });

  it('keeps the order of many events', async () => {
    const time = new VirtualTime();
    const seen: number[] = [];
    for (let i = 0; i < 1_000; i++) time.at((i * 7_919) % 1_009, () => seen.push(time.nowUs));
    await time.runUntil(2_000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.length).toBe(1_000);
  });
});
