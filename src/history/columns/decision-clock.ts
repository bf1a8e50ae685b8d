import type { ClockReading } from '../records/operation.ts';
import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';

/** Readings are kept per machine, node and slot: the most exact, and those that contradict it. */
const FIRST_SLOT_US = 250_000;

/** Above this number, slots become twice as long: a run of weeks needs no more memory than one of minutes. */
const MOST_READINGS = 16_384;

/** More than there are texts. */
const TEXTS = 2 ** 26;

interface Reading {
  readonly atUs: number;
  readonly serverUs: number;
  readonly errorUs: number;
}

/**
 * The readings kept of one slot: the most exact, the one with the lowest upper bound and the one with the highest lower
 * bound of the offset (server minus recorder). A clock that steps within a slot contradicts itself.
 */
interface Slot {
  readonly sharpest: Reading;
  readonly lowest: Reading;
  readonly highest: Reading;
}

/**
 * A decision with its server's time is a reading of that server's clock: the time lies in the operation's interval. This
 * keeps the most exact reading of each quarter second (in runs of days, of each few seconds) and those that contradict
 * it. Attempts of a named decision are ignored: their answers may repeat an earlier one.
 */
export class DecisionClock {
  /** By machine + 1, times 2^26, and node: numbers of texts. */
  readonly #byClock = new Map<number, Map<number, Slot>>();
  #slotUs = FIRST_SLOT_US;
  #aheadUs = 0;
  #count = 0;

  /** The most by which a bucket's time was ahead of the clock of its server: for as long it gets no refill. */
  get aheadUs(): number {
    return this.#aheadUs;
  }

  /** `machine`: the number of the text of the machine that recorded it, or -1. */
  add({ node, atUs: serverUs, bucketUs, invokedUs, completedUs, decisionId }: Draft, machine = -1): void {
    if (bucketUs - serverUs > this.#aheadUs) this.#aheadUs = bucketUs - serverUs;
    const errorUs = (completedUs - invokedUs) / 2 + 1;
    if (node < 0 || decisionId >= 0 || Number.isNaN(serverUs) || Number.isNaN(errorUs)) return;
    const clock = (machine + 1) * TEXTS + node;
    let slots = this.#byClock.get(clock);
    if (slots === undefined) {
      slots = new Map();
      this.#byClock.set(clock, slots);
    }
    const slot = Math.floor(invokedUs / this.#slotUs);
    const known = slots.get(slot);
    const atUs = (invokedUs + completedUs) / 2;
    if (known === undefined) {
      const reading = { atUs, serverUs, errorUs };
      slots.set(slot, { sharpest: reading, lowest: reading, highest: reading });
      if (++this.#count > MOST_READINGS) this.#coarsen();
      return;
    }
    const offsetUs = serverUs - atUs;
    const isSharper = errorUs < known.sharpest.errorUs;
    if (
      isSharper ||
      offsetUs + errorUs < upperUs(known.lowest) ||
      offsetUs - errorUs > lowerUs(known.highest)
    ) {
      const reading = { atUs, serverUs, errorUs };
      slots.set(slot, merged(known, { sharpest: reading, lowest: reading, highest: reading }));
    }
  }

  readings(texts: Interner): ClockReading[] {
    return [...this.#byClock].flatMap(([clock, slots]) => {
      const name = texts.textOf(clock % TEXTS);
      const machine = Math.floor(clock / TEXTS) - 1;
      const of = machine < 0 ? {} : { machine: texts.textOf(machine) };
      return [...slots.values()]
        .flatMap(readingsOf)
        .map((reading) => ({ type: 'clock' as const, node: name, ...reading, ...of }));
    });
  }

  #coarsen(): void {
    this.#slotUs *= 2;
    this.#count = 0;
    for (const [clock, slots] of this.#byClock) {
      const longer = new Map<number, Slot>();
      for (const [number, slot] of slots) {
        const known = longer.get(Math.floor(number / 2));
        longer.set(Math.floor(number / 2), known === undefined ? slot : merged(known, slot));
      }
      this.#byClock.set(clock, longer);
      this.#count += longer.size;
    }
  }
}

function merged(one: Slot, other: Slot): Slot {
  return {
    sharpest: other.sharpest.errorUs < one.sharpest.errorUs ? other.sharpest : one.sharpest,
    lowest: upperUs(other.lowest) < upperUs(one.lowest) ? other.lowest : one.lowest,
    highest: lowerUs(other.highest) > lowerUs(one.highest) ? other.highest : one.highest,
  };
}

/** The most exact reading, and those that contradict it. */
function readingsOf({ sharpest, lowest, highest }: Slot): Reading[] {
  return [
    sharpest,
    ...(upperUs(lowest) < lowerUs(sharpest) ? [lowest] : []),
    ...(lowerUs(highest) > upperUs(sharpest) ? [highest] : []),
  ];
}

function lowerUs({ atUs, serverUs, errorUs }: Reading): number {
  return serverUs - atUs - errorUs;
}

function upperUs({ atUs, serverUs, errorUs }: Reading): number {
  return serverUs - atUs + errorUs;
}
