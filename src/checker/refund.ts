/** Tokens that came back at some time between `fromUs` and `lastUs`, which is Infinity where nobody knows it. */
export interface Refund {
  readonly fromUs: number;
  readonly lastUs: number;
  readonly quanta: number;
}
