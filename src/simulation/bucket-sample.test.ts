import { expect, it } from 'vitest';
import { checkHistory } from '../checker/check.ts';
import { isInSample } from '../experiment/bucket-sample.ts';
import { parseScenario } from '../scenario/parse.ts';
import { simulateHeld } from './held-run.ts';

/** A short run that passes with every bucket. */
const planOf = (more = '', roaming = 'auto') =>
  parseScenario(
    `# Is a part of the buckets judged as what it is?
${more}
load: { connections: 20, users: 20, skew: 0, roaming: ${roaming}, ramp: 0s, duration: 2s }
claims: [total-excess <= 0, contested >= 1]
`,
    { file: 'sampled.yaml' },
  );

const run = (more?: string, roaming?: string) =>
  simulateHeld({ plan: planOf(more, roaming), signal: new AbortController().signal });

const countOf = (outcomes: Readonly<Record<string, number>>) =>
  Object.values(outcomes).reduce((sum, count) => sum + count, 0);

it('a sample of buckets has their operations of the whole run, and proves nothing of the others', async () => {
  const [whole, part] = [await run(), await run('sample: 0.5')];
  const [all, some] = [whole.examination.report, part.examination.report];
  expect(all.verdict).toBe('pass');
  expect(all.sample).toBeUndefined();
  const { sample, sent, unaccounted, buckets, verdict, claims, accounts } = some;
  expect([verdict, sent, unaccounted]).toEqual(['unknown', all.sent, 0]);
  expect(sample).toEqual({ share: 0.5, others: sent - countOf(some.outcomes) });
  expect(claims.find(({ kind }) => kind === 'correctness')).toMatchObject({
    ...{ status: 'unknown', verdict: 'unknown' },
    reason: `total-excess <= 0: it holds in the ${buckets} buckets of the sample; the others were not judged`,
  });
  expect(accounts.map((account) => account.verdict)).toEqual(['pass', 'unknown']);
  expect(accounts[1]?.reason).toContain(`a sample: ${sample?.others} of ${sent} requests were to buckets`);

  const sizes = ({ operations }: typeof whole.history) =>
    new Map(
      Array.from({ length: operations.bucketCount }, (_, bucket) => {
        const [from = 0, to = 0] = operations.starts.subarray(bucket, bucket + 2);
        return [operations.nameOf(bucket), to - from] as const;
      }),
    );
  const isIn = (bucket: string) => isInSample({ seed: 1, sample: 0.5 }, bucket);
  const [ofWhole, ofPart] = [sizes(whole.history), sizes(part.history)];
  expect(ofPart.size).toBeGreaterThan(5);
  expect(ofPart.size).toBeLessThan(ofWhole.size - 5);
  expect(ofPart).toEqual(new Map([...ofWhole].filter(([bucket]) => isIn(bucket))));
});

it('an excess in a sample of buckets is one', async () => {
  const { examination } = await run('sample: 0.5\nstrategy: replica-reads', '0.2');
  expect(examination.report.verdict).toBe('fail');
});

it('requests that a sample does not count are missing', async () => {
  const { history } = await run('sample: 0.5');
  const { end } = history;
  if (end?.sample === undefined) throw new Error('it has a sample');
  const fewer = { ...history, end: { ...end, sample: { ...end.sample, others: end.sample.others - 1 } } };
  const { unaccounted, accounts } = checkHistory(fewer, { busiest: [], claims: [] });
  expect(unaccounted).toBe(1);
  expect(accounts[0]?.reason).toBe(`1 of ${end.sent} requests sent are missing from the history`);
});
