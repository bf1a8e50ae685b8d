import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../../src/core/prng.ts';
import { type Alarm, AlarmHeap } from '../../../src/toxiproxy/server/alarm-heap.ts';
import { RealClock } from '../../../src/toxiproxy/server/clock.ts';

const alarm = (ring: Alarm['ring'] = () => {}): Alarm => ({ dueMs: 0, position: -1, ring });

describe('the heap of alarms', () => {
  it('gives the earliest first, after any sets, moves and removals', () => {
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
  it('never rings early, rings each once, and no later than timers of Node', async () => {
    const clock = new RealClock();
    const random = makeRandom(1, 'clock');
    const lateness = { alarms: [] as number[], timers: [] as number[] };
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => {
        const forMs = random() * 500;
        const dueMs = clock.nowMs() + forMs;
        return new Promise<void>((resolve) => {
          const ring = (of: number[]) => () => {
            of.push(clock.nowMs() - dueMs);
            resolve();
          };
          if (i % 2 === 0) clock.set(alarm(ring(lateness.alarms)), dueMs);
          else setTimeout(ring(lateness.timers), forMs);
        });
      }),
    );
    const [alarms, timers] = [lateness.alarms, lateness.timers].map((of) => of.sort((a, b) => a - b));
    expect(alarms).toHaveLength(250);
    expect(alarms?.[0]).toBeGreaterThanOrEqual(0);
    // Both wait for a processor, not for the same turn. Node cuts off parts of a millisecond, so its timers may ring early.
    expect(alarms?.[125]).toBeLessThan(2 * Math.max(0, timers?.[125] ?? 0) + 1);
  });

  it('does not ring a cleared alarm, and rings a moved one at its new time', async () => {
    const clock = new RealClock();
    const rung: [name: string, atMs: number][] = [];
    const named = (name: string) => alarm(() => rung.push([name, clock.nowMs()]));
    const [cleared, moved] = [named('cleared'), named('moved')];
    const startedMs = clock.nowMs();
    clock.set(cleared, startedMs + 10);
    clock.set(moved, startedMs + 5);
    clock.set(moved, startedMs + 40);
    clock.clear(cleared);
    await new Promise<void>((resolve) =>
      clock.set(
        alarm(() => resolve()),
        startedMs + 50,
      ),
    );
    expect(rung).toEqual([['moved', expect.any(Number)]]);
    expect(rung[0]?.[1]).toBeGreaterThanOrEqual(startedMs + 40);
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
