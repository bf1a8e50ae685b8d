import type { Dice } from '../../verdicts/soak/dice.ts';

/** Of true time. Two clocks of this rate drift apart by less than 1,000 ppm of what either of them shows. */
const MOST_PPM = 499;

/** A jump of a clock at a moment of true time. */
export interface Jump {
  readonly atUs: number;
  readonly byUs: number;
}

interface Piece {
  readonly fromUs: number;
  readonly ppm: number;
}

/** A clock by true time, in microseconds from the start of a history. Its rate is constant in each piece. */
export class Clock {
  readonly #offsetUs: number;
  readonly #pieces: readonly Piece[];
  readonly jumps: readonly Jump[];

  constructor(offsetUs: number, pieces: readonly Piece[], jumps: readonly Jump[] = []) {
    this.#offsetUs = offsetUs;
    this.#pieces = pieces;
    this.jumps = jumps;
  }

  withJumps(jumps: readonly Jump[]): Clock {
    return new Clock(this.#offsetUs, this.#pieces, jumps);
  }

  /** What it shows: whole microseconds. */
  showsUs(us: number): number {
    return this.#offsetUs + Math.floor(this.#elapsedUs(us));
  }

  /** The same, rounded up, as a recorder rounds the end of an interval. */
  showsUpUs(us: number): number {
    return this.#offsetUs + Math.ceil(this.#elapsedUs(us));
  }

  /** The sum of its jumps until then. */
  jumpedUs(us: number): number {
    return this.jumps.reduce((sum, { atUs, byUs }) => (atUs <= us ? sum + byUs : sum), 0);
  }

  /** Without the offset, whose size would take the fraction away. */
  #elapsedUs(us: number): number {
    let driftUs = 0;
    for (const [at, { fromUs, ppm }] of this.#pieces.entries()) {
      const untilUs = Math.min(us, this.#pieces[at + 1]?.fromUs ?? us);
      if (untilUs > fromUs) driftUs += ((untilUs - fromUs) * ppm) / 1_000_000;
    }
    return us + driftUs + this.jumpedUs(us);
  }
}

/** The rate of a clock over a history of `lengthUs`: constant, or another one now and then, up to the most either way. */
export function drawPieces(dice: Dice, lengthUs: number): Piece[] {
  const rate = () => dice.pick([0, MOST_PPM, -MOST_PPM, dice.between(-MOST_PPM, MOST_PPM)]);
  const count = dice.pick([1, 1, 2, 5]);
  const moments = Array.from({ length: count - 1 }, () => dice.next() * lengthUs).sort((a, b) => a - b);
  return [0, ...moments].map((fromUs) => ({ fromUs, ppm: rate() }));
}
