export type Verdict = 'pass' | 'fail' | 'unknown';

const SEVERITY = { pass: 0, unknown: 1, fail: 2 } as const satisfies Record<Verdict, number>;

/** The most severe verdict. Without any verdict `unknown`, since nothing was checked. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce(
    (sofar, next) => (SEVERITY[next] > SEVERITY[sofar] ? next : sofar),
    verdicts[0] ?? 'unknown',
  );
}
