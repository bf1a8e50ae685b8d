/** What a plan asks of a limiter besides many requests. */
export interface Planned {
  /** The costs of each policy that a full bucket holds, by its name, of one policy by ''; at least two of each. */
  readonly costs?: Readonly<Record<string, readonly number[]>>;
  /** The shortest rest that shows anything of a policy, in microseconds, by its name. */
  readonly restsUs?: Readonly<Record<string, number>>;
  /** Its faults are in force during the whole load. */
  readonly neverReturns?: true;
  /** The names of several policies. */
  readonly policies?: readonly string[];
}
