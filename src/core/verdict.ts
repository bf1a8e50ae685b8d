export type Verdict = 'pass' | 'fail' | 'unknown';

const SEVERITY = { pass: 0, unknown: 1, fail: 2 } as const satisfies Record<Verdict, number>;

/** The most severe verdict; of nothing, `unknown`: nothing checked is not the same as nothing wrong. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce(
    (sofar, next) => (SEVERITY[next] > SEVERITY[sofar] ? next : sofar),
    verdicts[0] ?? 'unknown',
  );
}
