import { PROOF } from '../checker/evidence/unproved-faults.ts';
import type { Probe, Sight } from '../faults/probes/probe.ts';
import type { Event } from '../history/records/operation.ts';

/** A fault is looked at this long before its heal: longer than a PING without a reply is awaited. */
export const LOOK_MS = 2_000;

/** The looks at one fault, and what they prove. A look never rejects; it delays the heal of a fault that is shorter. */
export class FaultProof {
  readonly #probe: Probe;
  readonly #sights: Promise<Sight>[] = [];

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** The fault has just been injected. */
  injected(): void {
    if (this.#probe.looks !== 'in the end' && this.#probe.looks !== 'after the heal') this.#look();
  }

  /** How long before the heal of a fault of this length the last look begins; undefined if there is none. */
  leadMs(forMs: number): number | undefined {
    const { looks } = this.#probe;
    if (looks === 'in the end') return Math.min(LOOK_MS / 2, forMs / 2);
    const isLong = forMs >= 2 * LOOK_MS; // the first look at a shorter fault has seen most of it
    return isLong && (looks === 'throughout' || looks === 'at times') ? LOOK_MS : undefined;
  }

  /** Resolves once no look is under way: a fault that is healed meanwhile would be seen to end. */
  async seen(): Promise<void> {
    await Promise.all(this.#sights);
  }

  /** The fault is about to be healed. Resolves when the look has seen it. */
  async ending(): Promise<void> {
    await this.seen();
    await this.#look();
  }

  async healed(): Promise<void> {
    if (this.#probe.looks === 'after the heal') this.#look();
    await Promise.all(this.#sights);
  }

  /** What all looks together saw; undefined without one. */
  async sight(): Promise<Sight | undefined> {
    const sights = await Promise.all(this.#sights);
    if (this.#probe.looks === 'at times') return sights.find(({ bit }) => bit) ?? sights.at(-1);
    return sights.find(({ bit }) => !bit) ?? sights.at(-1);
  }

  #look(): Promise<Sight> {
    const look = this.#probe.look().catch(
      (error: unknown): Sight => ({
        bit: false,
        saw: `the probe failed: ${error instanceof Error ? error.message : error}`,
      }),
    );
    this.#sights.push(look);
    return look;
  }
}

/** The record of what was seen of a fault. */
export function proofRecord(fault: string, { bit, saw }: Sight, atUs: number): Event {
  return { type: 'event', event: PROOF, atUs, args: { fault, bit, saw } };
}
