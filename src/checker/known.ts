/** What a history can be trusted to tell. Microseconds of the recorder. */
export interface Known {
  /** The level at the start: of fresh keys, or of buckets that were in use. */
  readonly initial: 'full' | 'unknown';
  /** The first completion: with `initial: unknown`, what ended before is not in the history. */
  readonly knownFromUs: number;
  /** What ends later is not judged: of that the history does not tell all. */
  readonly judgedUntilUs: number;
}
