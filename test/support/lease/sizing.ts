/** What home is asked for and has. Whole tokens. */
export interface GrantQuestion {
  readonly available: number;
  readonly want: number;
  /** Fewer than this are of no use. */
  readonly need: number;
  /** Accounts that share the bucket, the asking one included. */
  readonly borrowers: number;
}

/**
 * How many tokens home grants: what is wanted, but of what is there no more than an equal share, rounded up. Where
 * the share is less than the holder needs for one operation, it gets that; where all there is is less, nothing, so
 * that two holders do not each keep a half of what either needs.
 */
export function grantTokens({ available, want, need, borrowers }: GrantQuestion): number {
  if (available < need) return 0;
  const share = Math.ceil(available / borrowers);
  return Math.min(want, available, Math.max(need, share));
}
