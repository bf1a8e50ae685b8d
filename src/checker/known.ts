/** What a history can be trusted to tell. Microseconds of the recorder. */
export interface Known {
  /** The level at the start: of fresh keys, or of buckets that were in use. */
  readonly initial: 'full' | 'unknown';
  /** The first completion: with `initial: unknown`, what ended before is not in the history. */
  readonly knownFromUs: number;
  /** Operations that were open after this can be missing from it. */
  readonly judgedUntilUs: number;
}
