import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { type Alarm, AlarmHeap } from '../../src/toxiproxy/server/alarm-heap.ts';
import { RealClock } from '../../src/toxiproxy/server/clock.ts';

const alarm = (ring: Alarm['ring'] = () => {}): Alarm => ({ dueMs: 0, position: -1, ring });

describe('the heap of alarms', () => {
  it('gives the earliest first, whatever was set, moved and removed', () => {
    const heap = new AlarmHeap();
    const random = makeRandom(1, 'heap');
    const alarms = Array.from({ length: 200 }, () => alarm());
    const wanted = new Map<Alarm, number>();
    for (let step = 0; step < 20_000; step++) {
      const one = alarms[Math.floor(random() * alarms.length)] as Alarm;
      if (random() < 0.7) {
        const dueMs = Math.floor(random() * 1_000);
        heap.set(one, dueMs);
        wanted.set(one, dueMs);
      } else {
        heap.remove(one);
        wanted.delete(one);
      }
      expect(heap.first?.dueMs).toBe(wanted.size === 0 ? undefined : Math.min(...wanted.values()));
    }
  });
});

describe('the real clock', () => {
  it('never rings early, rings each once, and hardly late', async () => {
    const clock = new RealClock();
    const random = makeRandom(1, 'clock');
    const lateness = await Promise.all(
      Array.from(
        { length: 500 },
        () =>
          new Promise<number>((resolve) => {
            const dueMs = clock.nowMs() + random() * 500;
            clock.set(
              alarm(() => resolve(clock.nowMs() - dueMs)),
              dueMs,
            );
          }),
      ),
    );
    const sorted = lateness.sort((a, b) => a - b);
    expect(sorted[0]).toBeGreaterThanOrEqual(0);
    expect(sorted[250]).toBeLessThan(5); // loose: other tests share two cores
  });

  it('does not ring what was cleared, and rings at its new time what was moved', async () => {
    const clock = new RealClock();
    const rung: string[] = [];
    const cleared = alarm(() => rung.push('cleared'));
    const moved = alarm(() => rung.push('moved'));
    const startedMs = clock.nowMs();
    clock.set(cleared, startedMs + 10);
    clock.set(moved, startedMs + 5);
    clock.set(moved, startedMs + 40);
    clock.clear(cleared);
    await new Promise<void>((resolve) =>
      clock.set(
        alarm(() => resolve()),
        startedMs + 30,
      ),
    );
    expect(rung).toEqual([]);
    await new Promise<void>((resolve) =>
      clock.set(
        alarm(() => resolve()),
        startedMs + 50,
      ),
    );
    expect(rung).toEqual(['moved']);
  });

  it('waits for a time beyond what a timer of Node can hold', async () => {
    const clock = new RealClock();
    let rung = 0;
    const far = alarm(() => rung++);
    clock.set(far, clock.nowMs() + 2 ** 40);
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.clear(far);
    expect(rung).toBe(0);
  });
});
