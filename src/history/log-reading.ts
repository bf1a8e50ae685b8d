/** How a log that others wrote was read, as far as it may have been misread. */
export interface LogReading {
  /** The field that names the bucket; absent where all requests are taken for one. */
  readonly key?: string;
  /** Other fields whose values look like names of buckets, of which each has several requests. */
  readonly otherKeys: readonly string[];
  /** The power of ten of a microsecond that its times are in; absent where they are dates, or the format says the unit. */
  readonly unitPower?: number;
}
