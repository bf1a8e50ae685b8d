import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../core/prng.ts';
import { VirtualTime } from '../virtual-time.ts';
import { Machine } from './machine.ts';
import { RegionServices } from './region-services.ts';

/** Of the service of the tests from the call until it has decided. */
const DECIDES_US = 5_000;

/** Services that reply 201 with the number of their start, and notes of replies by their status and header. */
function openServices(instances: number) {
  const time = new VirtualTime();
  const replies: string[] = [];
  let starts = 0;
  const services = new RegionServices({
    ...{ time, machine: new Machine(time), instances, random: makeRandom(1, 'services') },
    start: () => {
      const headers = ['start', String(++starts)];
      const decided = () => {
        time.wake();
        return { status: 201, headers, body: '' };
      };
      return {
        answer: () => new Promise((resolve) => time.after(DECIDES_US, () => resolve(decided()))),
        end: () => {},
      };
    },
  });
  const send = () =>
    services.send({}, ({ status, headers }) => replies.push(`${status} ${headers.join(' ')}`.trim()));
  return { time, services, replies, send };
}

describe('the services of a region', () => {
  it('sends requests to its instances in turn, and names them', async () => {
    const { time, replies, send } = openServices(2);
    for (let nth = 0; nth < 3; nth++) send();
    await time.runUntil(100_000);
    expect(replies.sort()).toEqual([
      '201 start 1 openclaw-instance 1',
      '201 start 1 openclaw-instance 1',
      '201 start 2 openclaw-instance 2',
    ]);
  });

  it('replies once to each request, whenever its process is killed', async () => {
    const seen = new Set<string>();
    for (let killedUs = 0; killedUs < 7_000; killedUs += 10) {
      const { time, services, replies, send } = openServices(1);
      send();
      await time.runUntil(killedUs);
      services.kill();
      await time.runUntil(2_000_000);
      expect(replies.length, `killed at ${killedUs}`).toBe(1);
      for (const reply of replies) seen.add(reply);
    }
    expect([...seen].sort()).toEqual(['201 start 1', '503', '504']);
  });

  it('answers by another process after a kill and a start', async () => {
    const { time, services, replies, send } = openServices(1);
    const before = services.idsOf();
    send();
    await time.runUntil(1_000);
    services.kill();
    services.start();
    await time.runUntil(2_000_000);
    send();
    await time.runUntil(3_000_000);
    expect(replies.map((reply) => reply.split(' ').at(-1))).toEqual([replies[0], '2']);
    expect(services.idsOf()).not.toEqual(before);
  });
});
