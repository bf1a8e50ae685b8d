/** What home is asked for and has. Whole tokens. */
export interface GrantQuestion {
  readonly available: number;
  /** As many as the holder expects to need: so what home has is shared by demand. */
  readonly want: number;
  /** Fewer than this are of no use. */
  readonly need: number;
}

/**
 * How many tokens home grants: what is wanted, and of less all there is. Where all there is is less than the holder
 * needs for one operation it grants nothing, so that two holders do not each keep a half of what either needs.
 */
export function grantTokens({ available, want, need }: GrantQuestion): number {
  return available < need ? 0 : Math.min(want, available);
}
