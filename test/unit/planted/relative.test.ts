import { describe, expect, it } from 'vitest';
import { withVerdict } from '../../../src/checker/check.ts';
import { parseClaim } from '../../../src/checker/claims/claim.ts';
import { CORRECT } from './correct.ts';
import { accuse } from './verdict.ts';

const CLAIMS = ['total-excess <= 0%', 'worst-window <= 0%', 'false-denials <= 0%'];

describe('a correct limiter keeps every relative claim with 0%:', () => {
  it.each(CORRECT)('$name', (specimen) => {
    const claims = CLAIMS.filter((claim) => specimen.splits !== true || !claim.startsWith('false'));
    let kept = 0;
    for (let seed = 101; seed <= 108; seed++) {
      const { report } = accuse(specimen, seed, 1_000);
      const judged = withVerdict(report, claims.map(parseClaim)).claims.filter(
        ({ unit }) => unit === 'share',
      );
      for (const { claim, status } of judged) {
        expect({ seed, claim, status }).not.toMatchObject({ status: 'broken' });
        if (status === 'holds') kept++;
      }
    }
    expect(kept).toBeGreaterThan(10); // the others admit or deny nothing that can be judged
  });
});
