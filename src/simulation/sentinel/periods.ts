/**
 * Periods of Sentinels in milliseconds, as `sentinel.c` of Redis 8 has them by default, except the ping period, which
 * local regions set to a tenth.
 */
export const PERIODS = {
  pingMs: 100,
  infoMs: 10_000,
  /** Of replicas while the primary is down or fails over, and of a replica without its link. */
  urgentInfoMs: 1_000,
  publishMs: 2_000,
  askMs: 1_000,
  /** The longest wait for votes; the failover timeout if that is shorter. */
  electionMs: 10_000,
  /** The most that the beginning of a failover is put off, drawn. */
  desyncMs: 1_000,
  /** How long a replica that was ordered to follow the new primary is waited for. */
  reconfigureMs: 10_000,
} as const;

/** Of a Sentinel that orders a failover: info and publish periods. */
export const HURRIED = { infoMs: 500, publishMs: 500 } as const;
