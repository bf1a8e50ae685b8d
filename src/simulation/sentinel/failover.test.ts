import { describe, expect, it } from 'vitest';
import { Failover } from './failover.ts';
import type { FromSentinel } from './messages.ts';
import type { Watched } from './watched.ts';

const FAILOVER_MS = 15_000;

/** A replica of a failover, and what it was ordered. */
function replica(name: string) {
  const orders: FromSentinel[] = [];
  const link = { isConnected: true, send: (message: FromSentinel) => orders.push(message) };
  return { ...{ name, link, orders, isDown: false, reconfiguring: undefined, reconfiguredMs: 0 } };
}

/** A failover to `b`, with `c` as the other replica, which has just seen that `b` is the primary. */
function reconfiguring() {
  const [b, c] = [replica('b'), replica('c')];
  const [watchedB, watchedC] = [b as unknown as Watched, c as unknown as Watched];
  const clock = { ms: 0 };
  const monitor = {
    ...{ nowMs: () => clock.ms, failoverMs: FAILOVER_MS, primary: replica('a') as unknown as Watched },
    ...{ replicas: [watchedB, watchedC], isLeader: () => true, select: () => watchedB },
  };
  const failover = new Failover(monitor, { epoch: 1, startMs: 0, isOrdered: false });
  for (let steps = 0; steps < 3; steps++) failover.step();
  expect([b.orders, failover.promoted(watchedB)]).toEqual([[{ name: 'replicaof', node: undefined }], true]);
  return { b, c, watchedC, failover, clock };
}

const FOLLOW = { name: 'replicaof', node: 'b' };

describe('a failover that has promoted a replica', () => {
  it('orders the others once, and switches in the step in which the last of them follows', () => {
    const { c, watchedC, failover } = reconfiguring();
    expect([failover.step(), failover.step(), c.orders]).toEqual([undefined, undefined, [FOLLOW]]);
    watchedC.reconfiguring = 'in progress';
    expect(failover.step()).toBe(undefined);
    watchedC.reconfiguring = 'done';
    expect([failover.successor, failover.step()]).toEqual(['b', 'switch']);
  });

  it('orders them while the promoted one is down, and waits for that with the switch', () => {
    const { b, c, watchedC, failover } = reconfiguring();
    b.isDown = true;
    expect([failover.step(), c.orders]).toEqual([undefined, [FOLLOW]]);
    watchedC.reconfiguring = 'done';
    expect(failover.step()).toBe(undefined);
    b.isDown = false;
    expect(failover.step()).toBe('switch');
  });

  it.each<{
    title: string;
    change: (c: { isDown: boolean; link: { isConnected: boolean } }) => void;
    ms: number;
  }>([
    {
      title: 'that is down',
      change: (c) => {
        c.isDown = true;
      },
      ms: 0,
    },
    { title: 'that was ordered and does not follow, longer than 10 s', change: () => {}, ms: 10_000 },
    {
      title: 'that cannot be ordered, longer than the failover timeout',
      change: (c) => {
        c.link.isConnected = false;
      },
      ms: FAILOVER_MS,
    },
  ])('waits for no replica $title', ({ change, ms }) => {
    const { c, failover, clock } = reconfiguring();
    change(c);
    if (ms > 0) {
      expect(failover.step()).toBe(undefined);
      clock.ms += ms;
      expect(failover.step()).toBe(undefined);
      clock.ms += 1;
    }
    expect(failover.step()).toBe('switch');
  });
});
