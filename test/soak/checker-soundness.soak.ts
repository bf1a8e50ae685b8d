import { expect, it } from 'vitest';
import { logSoak } from '../support/soak-log.ts';
import { CORRECT } from '../unit/planted/correct.ts';
import { accuse, accuseReplicated, isConvicted } from '../unit/planted/verdict.ts';

const OPERATIONS = 10_000_000;
const PER_RUN = 2_500;
const REPLICATED_RUNS = 20_000;

it('10 million operations of six correct limiters give no finding', () => {
  const rows = CORRECT.map((specimen) => {
    const seen = { runs: 0, operations: 0, allowed: 0, denied: 0, info: 0, contested: 0, declared: 0 };
    for (let seed = 1; seen.operations < OPERATIONS / CORRECT.length; seed++) {
      const accusation = accuse(specimen, seed, PER_RUN);
      const { report } = accusation;
      expect(isConvicted(accusation), `${specimen.name}, seed ${seed}`).toBe(false);
      seen.runs++;
      seen.operations += report.sent;
      seen.allowed += report.outcomes.allowed;
      seen.denied += report.outcomes.denied;
      seen.info += report.outcomes.info;
      seen.contested += report.contested.buckets;
      seen.declared += report.falseDenials.total;
    }
    return `| ${specimen.name} | ${Object.values(seen).join(' | ')} | 0 |`;
  });
  logSoak('the checker against six correct limiters', [
    'Random policies, costs, intervals, lost replies, retries under one decision id, gateways that send twice',
    '(`maxCharge` 2) and starts in mid-traffic; acked central also fails over. Seeds from 1 on.',
    '',
    '| limiter | runs | operations | allowed | denied | info | contested buckets | declared false denials | accusations |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});

it('an acked limiter on nodes that fail over gives no finding, with any requests', () => {
  const seen = { runs: 0, operations: 0, allowed: 0, denied: 0, info: 0, replayed: 0 };
  for (let seed = 1; seed <= REPLICATED_RUNS; seed++) {
    const accusation = accuseReplicated(seed);
    const { sent, outcomes, replay } = accusation.report;
    expect(isConvicted(accusation), `seed ${seed}`).toBe(false);
    seen.runs++;
    seen.operations += sent;
    seen.allowed += outcomes.allowed;
    seen.denied += outcomes.denied;
    seen.info += outcomes.info;
    seen.replayed += replay.replayed;
  }
  logSoak('the checker against an acked limiter, several nodes and policies', [
    'Failovers to nodes that come back, primaries that were replaced and answer on, clocks that drift and differ,',
    'decisions over several policies, refunds, costs of 0 and above capacity, up to four tries, starts in mid-traffic.',
    '',
    '| runs | operations | allowed | denied | info | decisions replayed | accusations |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    `| ${Object.values(seen).join(' | ')} | 0 |`,
  ]);
});
