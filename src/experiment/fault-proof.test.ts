import { describe, expect, it } from 'vitest';
import type { Probe } from '../faults/probes/probe.ts';
import { FaultProof, LOOK_MS } from './fault-proof.ts';

/** A proof by looks that see this, one after the other; an Error is thrown. */
function proofOf(
  looks: Probe['looks'],
  sights: readonly (boolean | Error)[],
  signal = new AbortController().signal,
): FaultProof {
  const left = [...sights];
  const look = async () => {
    const next = left.shift();
    if (next instanceof Error || next === undefined) throw next ?? new Error('one look too many');
    return { bit: next, saw: `look ${sights.length - left.length}` };
  };
  return new FaultProof({ looks, look }, { signal, nowUs: () => 7 });
}

/** The sight of a fault that lasts this long. */
async function sightOf(looks: Probe['looks'], sights: readonly (boolean | Error)[], forMs = 2 * LOOK_MS) {
  const proof = proofOf(looks, sights);
  proof.injected();
  await (proof.leadMs(forMs) === undefined ? proof.seen() : proof.ending());
  return proof.healed();
}

describe('a fault is in force', () => {
  it.each<[looks: Probe['looks'], sights: readonly (boolean | Error)[], bit: boolean, saw: string]>([
    ['throughout', [true, true], true, 'look 2'],
    ['throughout', [true, false], false, 'look 2'],
    ['throughout', [false, true], false, 'look 1'],
    ['throughout', [true, new Error('no answer')], false, 'the probe failed: no answer'],
    ['at times', [false, true], true, 'look 2'],
    ['at times', [true, false], true, 'look 1'],
    ['at times', [false, false], false, 'look 2'],
    ['in the end', [true], true, 'look 1'],
    ['at once', [false], false, 'look 1'],
    ['after the heal', [true], true, 'look 1'],
  ])('%s, if its looks see %j: %s', async (looks, sights, bit, saw) =>
    expect(await sightOf(looks, sights)).toEqual({ bit, saw, atUs: 7 }),
  );

  it.each([
    [true, 'healed'],
    [false, 'not another process'],
  ])('by a look after the heal as well, if there is one that sees %s', async (bit, saw) => {
    const proof = new FaultProof(
      {
        looks: 'throughout',
        look: async () => ({ bit: true, saw: 'down' }),
        lookHealed: async () => ({ bit, saw }),
      },
      { signal: new AbortController().signal, nowUs: () => 7 },
    );
    proof.injected();
    await proof.ending();
    expect(await proof.healed()).toEqual({ bit, saw, atUs: 7 });
  });

  it('not by a look after the heal alone', async () => {
    const seen = async () => ({ bit: true, saw: 'another process' });
    const probe = { looks: 'in the end', look: seen, lookHealed: seen } as const;
    const proof = new FaultProof(probe, { signal: new AbortController().signal, nowUs: () => 7 });
    proof.injected();
    expect(await proof.healed()).toEqual({ bit: false, saw: 'it ended before it was looked at', atUs: 7 });
  });

  it('by the first look alone, if it is short', async () =>
    expect(await sightOf('throughout', [true], 2 * LOOK_MS - 1)).toEqual({
      ...{ bit: true, saw: 'look 1', atUs: 7 },
    }));

  it('not, if it ended before any look', async () =>
    expect(await proofOf('in the end', []).healed()).toEqual({
      ...{ bit: false, saw: 'it ended before it was looked at', atUs: 7 },
    }));

  it('without a look that is still under way when the run is aborted', async () => {
    const over = new AbortController();
    const proof = new FaultProof(
      { looks: 'throughout', look: () => new Promise(() => {}) },
      { signal: over.signal, nowUs: () => 7 },
    );
    proof.injected();
    over.abort();
    expect(await proof.healed()).toMatchObject({ bit: false });
  });
});
