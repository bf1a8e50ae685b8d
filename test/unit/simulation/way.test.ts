import { describe, expect, it } from 'vitest';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type { Toxic } from '../../../src/simulation/network/slot.ts';
import { Way } from '../../../src/simulation/network/way.ts';
import { VirtualTime } from '../../../src/simulation/virtual-time.ts';
import { PipeRig, type RigToxic } from '../../support/pipe-rig.ts';

const LENGTH_MS = 2_000;
const PIECES = ['a', 'bcd', 'ef', 'ghijklmnop', 'q'.repeat(40)] as const;

type Step =
  | { readonly atMs: number; readonly does: 'send'; readonly text: string }
  | { readonly atMs: number; readonly does: 'add' | 'update' | 'remove'; readonly toxic: Toxic }
  | { readonly atMs: number; readonly does: 'end' };

/** Sends and changes of toxics, each allowed at its time, and seldom two at one microsecond: their order is not defined. */
function walk(random: Random): Step[] {
  const upTo = (most: number) => Math.floor(random() * most);
  const make: readonly (() => Toxic)[] = [
    () => ({ name: 'latency', type: 'latency', latencyMs: upTo(200), jitterMs: 0 }),
    () => ({ name: 'more', type: 'latency', latencyMs: upTo(200), jitterMs: 0 }),
    () => ({ name: 'bandwidth', type: 'bandwidth', rateKBps: 1 + upTo(4) }),
    () => ({ name: 'timeout', type: 'swallow' }),
  ];
  const there = new Set<string>();
  const steps: Step[] = [];
  for (let atMs = 0; atMs < LENGTH_MS; atMs += upTo(40_000) / 1_000) {
    const draw = random();
    if (draw < 0.8) steps.push({ atMs, does: 'send', text: PIECES[upTo(PIECES.length)] ?? '' });
    else if (draw < 0.985) {
      const toxic = (make[upTo(make.length)] as () => Toxic)();
      const isThere = there.has(toxic.name);
      const does = isThere ? (random() < 0.5 && toxic.type !== 'swallow' ? 'update' : 'remove') : 'add';
      if (does === 'remove') there.delete(toxic.name);
      else there.add(toxic.name);
      steps.push({ atMs, does, toxic });
    } else return [...steps, { atMs, does: 'end' }];
  }
  return steps;
}

function ofToxiproxy(toxic: Toxic): RigToxic {
  const { name } = toxic;
  if (toxic.type === 'swallow') return { name, type: 'timeout', attributes: { timeout: 0 } };
  if (toxic.type === 'bandwidth') return { name, type: 'bandwidth', attributes: { rate: toxic.rateKBps } };
  return { name, type: 'latency', attributes: { latency: toxic.latencyMs, jitter: toxic.jitterMs } };
}

type Log = { readonly atMs: number; readonly what: string }[];

function throughToxiproxy(steps: readonly Step[]): Log {
  const rig = new PipeRig([]);
  for (const step of steps) {
    if (step.does === 'send') rig.send(step.atMs, step.text);
    else if (step.does === 'end') rig.end(step.atMs);
    else if (step.does === 'remove') rig.remove(step.atMs, step.toxic.name);
    else rig[step.does](step.atMs, ofToxiproxy(step.toxic));
  }
  const log = rig
    .goTo(1e7)
    .log.map(([atMs, what]) => ({ atMs, what: what.startsWith('<') ? '<end>' : what }));
  const end = log.findIndex(({ what }) => what === '<end>');
  return end < 0 ? log : log.slice(0, end + 1); // a real socket takes no data after it
}

async function throughModel(steps: readonly Step[]): Promise<Log> {
  const time = new VirtualTime();
  const log: Log = [];
  const note = (what: string) => log.push({ atMs: time.nowUs / 1_000, what });
  const way = new Way({
    time,
    random: makeRandom(1),
    delays: [0, 0],
    toxics: [],
    deliver: (message) => note(String(message)),
    ended: () => note('<end>'),
  });
  for (const step of steps) {
    await time.runUntil(step.atMs * 1_000);
    if (step.does === 'send') way.send(step.text, step.text.length);
    else if (step.does === 'end') way.close();
    else if (step.does === 'remove') way.remove(step.toxic.name);
    else way[step.does](step.toxic);
  }
  await time.runUntil(1e10);
  return log;
}

describe('one direction of a simulated connection', () => {
  it('passes, delays and drops what the pipe of our Toxiproxy does, while toxics come and go', async () => {
    let [passed, dropped, ended] = [0, 0, 0];
    for (let seed = 1; seed <= 400; seed++) {
      const steps = walk(makeRandom(seed));
      const [theirs, ours] = [throughToxiproxy(steps), await throughModel(steps)];
      expect({ seed, log: ours.map(({ what }) => what) }).toEqual({
        seed,
        log: theirs.map(({ what }) => what),
      });
      for (const [at, { atMs }] of ours.entries())
        expect(Math.abs(atMs - (theirs[at]?.atMs ?? 0)), `seed ${seed}, ${at}`).toBeLessThan(0.01);
      const sent = steps.filter(({ does }) => does === 'send').length;
      passed += ours.length;
      dropped += Math.max(0, sent - ours.length);
      if (ours.at(-1)?.what === '<end>') ended++;
    }
    // The walks reach what they are for.
    expect(Math.min(passed / 1_000, dropped / 1_000, ended / 100)).toBeGreaterThan(1);
  });
});
