import { Option } from 'commander';
import { parseClaim } from '../../checker/claims/claim.ts';
import { EVIDENCE_BROUGHT } from '../../checker/claims/evidence-claims.ts';

/** The flag of `claimOption`. */
export interface ClaimFlags {
  readonly claim?: readonly string[];
}

/** `--claim` of a command; `what` is its help, `brought` the evidence that a claim on correctness adds. */
export function claimOption(
  what = "a claim like 'p99(allowed) <= 250ms', besides the default claims; one on correctness, like 'total-excess <= bound', is instead of them",
  brought = EVIDENCE_BROUGHT,
): Option {
  return new Option(
    '--claim <claim>',
    `${what}; repeatable; a claim on correctness adds ${brought}`,
  ).argParser((text: string, sofar: readonly string[] = []) => {
    parseClaim(text);
    return [...sofar, text];
  });
}

/** Part of a help text: the claims that there are. `bound` only of runs, which declare one. */
export function claimsHelp({ hasBound }: { hasBound: boolean }): string {
  return `
Claims:
  total-excess, worst-window             <= tokens${hasBound ? ', <= 10%, or <= bound' : ', or <= 10%'}
  false-denials                          <= a count, or <= 0.1%
  replay, windows, dishonest             <= a count
  admitted                               >= 50% of ideal
  info, failed, dropped, headroom        <= 5%
  contested                              >= ${hasBound ? '80%, or >= ' : ''}a count
  p50, p99, max of (allowed), (denied), (failed) or (any)   <= 250ms
  throughput                             >= 5000/s
A percentage of the first three is of what an ideal bucket would have admitted.
A claim may end in a phase: before, during <fault> or after <fault>. It is
unknown (exit code 2) if the ${hasBound ? 'run' : 'history'} does not have this phase.`;
}
