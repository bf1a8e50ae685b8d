import { PROOF } from '../checker/evidence/unproved-faults.ts';
import { given } from '../core/given.ts';
import { failedLook, type Probe, type Sight } from '../faults/probes/probe.ts';
import type { Event } from '../history/records/operation.ts';
import { unlessInterrupted } from '../regions/waiting.ts';
import type { PlannedFault } from '../scenario/plan.ts';

/** A fault is looked at this long before its heal: longer than a PING without a reply is awaited, unless it needs a login. */
export const LOOK_MS = 2_000;

interface Watching {
  /** After an abort no look is awaited: a fault has to be healed at once. */
  readonly signal: AbortSignal;
  readonly nowUs: () => number;
}

const UNSEEN: Sight = { bit: false, saw: 'it ended before it was looked at' };

/** What all looks together saw, and when the last one ended. */
export interface Proof extends Sight {
  readonly atUs: number;
}

/** The looks at one fault, and what they prove. A look never rejects; it delays the heal of a fault that is shorter. */
export class FaultProof {
  readonly #probe: Probe;
  readonly #watching: Watching;
  readonly #sights: Promise<Sight | undefined>[] = [];
  #atUs: number | undefined;

  constructor(probe: Probe, watching: Watching) {
    this.#probe = probe;
    this.#watching = watching;
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

  /** The fault has been healed. */
  async healed(): Promise<Proof> {
    const before = await Promise.all(this.#sights);
    if (this.#probe.looks === 'after the heal') this.#add(this.#probe.look().catch(failedLook));
    else if (before.every((sight) => sight === undefined)) this.#add(Promise.resolve(UNSEEN));
    if (this.#probe.lookHealed !== undefined) this.#add(this.#probe.lookHealed().catch(failedLook));
    const sights = (await Promise.all(this.#sights)).filter((sight) => sight !== undefined);
    const last = sights.at(-1) ?? UNSEEN;
    const sight = sights.find(({ bit }) => bit === (this.#probe.looks === 'at times')) ?? last;
    return { ...sight, atUs: this.#atUs ?? this.#watching.nowUs() };
  }

  #look(): Promise<Sight | undefined> {
    const { signal } = this.#watching;
    const looking = this.#probe.look().catch(failedLook);
    return this.#add(unlessInterrupted(signal, 'looking at a fault', looking).catch(() => undefined));
  }

  #add(looking: Promise<Sight | undefined>): Promise<Sight | undefined> {
    const look = looking.finally(() => {
      this.#atUs = this.#watching.nowUs();
    });
    this.#sights.push(look);
    return look;
  }
}

/** A sentence for each fault that has no record, since its injection was not begun. */
export function neverInjected(planned: readonly PlannedFault[], begun: ReadonlySet<PlannedFault>): string[] {
  const missing = planned.filter((fault) => !begun.has(fault));
  return missing.map(
    ({ fault, atMs }) => `${fault} at ${atMs / 1_000} s was never injected: the load ended first`,
  );
}

/** The record of what was seen of a fault, and why it concerned no key. */
export function proofRecord(fault: string, { atUs, ...seen }: Proof & { readonly noKey?: string }): Event {
  const { bit, saw, noKey } = seen;
  return {
    type: 'event',
    event: PROOF,
    atUs: Math.ceil(atUs),
    args: { fault, bit, saw, ...given({ noKey }) },
  };
}
