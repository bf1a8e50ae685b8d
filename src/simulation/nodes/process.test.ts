import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../virtual-time.ts';
import { ServerProcess } from './process.ts';

describe('a server process', () => {
  it('goes on with its timers, then its sockets as they became readable, then those accepted meanwhile', async () => {
    const time = new VirtualTime();
    const process = new ServerProcess(time);
    const seen: string[] = [];
    const [a, b] = [process.socket(), process.socket()];
    process.every(10, 5, () => seen.push(`cron@${time.nowUs}`));
    await time.runUntil(10);
    process.pause();
    const late = process.socket();
    late.run(() => seen.push('late'));
    b.run(() => seen.push('b1'));
    a.run(() => seen.push('a'));
    b.run(() => seen.push('b2'));
    await time.runUntil(50);
    expect(seen).toEqual(['cron@5']);
    process.resume();
    expect(seen.slice(1)).toEqual(['cron@50', 'b1', 'b2', 'a', 'late']);
    late.run(() => seen.push('again'));
    await time.runUntil(60);
    expect(seen.slice(6)).toEqual(['again', 'cron@60']);
  });

  it('does nothing once it has ended', async () => {
    const time = new VirtualTime();
    const process = new ServerProcess(time);
    const seen: string[] = [];
    const socket = process.socket();
    process.after(5, () => seen.push('timer'));
    process.pause();
    socket.run(() => seen.push('kept'));
    process.end();
    process.resume();
    socket.run(() => seen.push('late'));
    await time.runUntil(10);
    expect(seen).toEqual([]);
  });
});
