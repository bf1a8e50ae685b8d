import { describe, expect, it } from 'vitest';
import { Cleanup } from './cleanup.ts';

const never = () => new Promise<void>(() => {});

describe('a cleanup', () => {
  it('undoes the latest step first, each of them, and kills those that fail or take too long', async () => {
    const done: string[] = [];
    const cleanup = new Cleanup({ stepMs: 20 });
    const step = (what: string, undo: () => Promise<void>) =>
      cleanup.add(
        what,
        () => {
          done.push(`undo ${what}`);
          return undo();
        },
        () => done.push(`kill ${what}`),
      );
    step('end the cluster', async () => {});
    step('stop the gateway', never);
    step('stop the service', () => Promise.reject(new Error('it is busy')));
    expect(await cleanup.run()).toEqual([
      'stop the service: Error: it is busy',
      'stop the gateway: Error: not done after 0.02 s',
    ]);
    expect(done).toEqual([
      'undo stop the service',
      'kill stop the service',
      'undo stop the gateway',
      'kill stop the gateway',
      'undo end the cluster',
    ]);
  });

  it('undoes a step that is added meanwhile, and none twice', async () => {
    const done: string[] = [];
    const cleanup = new Cleanup();
    cleanup.add('stop the gateway', async () => {
      done.push('gateway');
      cleanup.add('stop the service', async () => void done.push('service'));
    });
    await cleanup.run();
    expect(done).toEqual(['gateway', 'service']);
  });

  it('of a program that exits kills what is not yet undone, the step in progress too', async () => {
    const killed: string[] = [];
    const cleanup = new Cleanup();
    cleanup.add('end the cluster', never, () => killed.push('cluster'));
    cleanup.add('heal every fault', never);
    cleanup.add('stop the service', never, () => killed.push('service'));
    void cleanup.run();
    cleanup.kill();
    expect(killed).toEqual(['service', 'cluster']);
  });
});
