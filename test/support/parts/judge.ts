import { createHash } from 'node:crypto';
import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { type CheckReport, examineHistory } from '../../../src/checker/check.ts';
import type { CheckOptions } from '../../../src/checker/check-options.ts';
import type { ClockStep } from '../../../src/checker/clocks/steps.ts';
import { readJudgeOptions } from '../../../src/checker/judge-history.ts';
import { mapParts } from '../../../src/checker/machines/map-parts.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import type { OperationTable } from '../../../src/history/columns/table.ts';
import type { History } from '../../../src/history/history.ts';
import { chooseParts } from '../../../src/history/parts/choose-parts.ts';
import { PartScan } from '../../../src/history/parts/part-scan.ts';
import type { HistoryParts } from '../../../src/history/parts/parts.ts';
import { parseRecord } from '../../../src/history/records/parse-record.ts';
import { boundOf } from '../../../src/limiter/strategies/bounds.ts';
import type { PartFile, Written } from './files.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

export interface Judged {
  readonly report: CheckReport;
  readonly history: History;
  /** The files that are judged. */
  readonly files: readonly PartFile[];
  certificate(): CertificateRecord[];
  /** The operations on the clocks by which they are judged. */
  mapped(): OperationTable;
}

/** Judges files as `check` does; in addition each shard is compared with the bound of its strategy. */
export function judgeParts({ strategy }: Plan, { files }: Pick<Written, 'files'>): Judged {
  const { history, chosen } = mergeParts(files);
  const options: CheckOptions = {
    ...readJudgeOptions(strategy === 'lease' ? { falseDenials: Number.POSITIVE_INFINITY } : {}),
    boundOf: (policy, episodes) => boundOf(strategy, policy, episodes),
  };
  const mapped = () => mapParts(history, history.parts as HistoryParts, options).history.operations;
  const examination = examineHistory(history, options);
  const certificate = () => [...certificateRecords(history.operations, examination)];
  return { report: examination.report, history, files: chosen, certificate, mapped };
}

/** Reads files as `check` does: first which of them count, then these. */
function mergeParts(files: readonly PartFile[]): { history: History; chosen: readonly PartFile[] } {
  const seen = files.map(({ name, text }) => {
    const scan = new PartScan(createHash('sha256'));
    scan.push(new TextEncoder().encode(text));
    const scanned = scan.end();
    return { file: name, ...scanned, ...(scan.part && { part: scan.part }) };
  });
  const { files: names, leftOut } = chooseParts(seen);
  const builder = new HistoryBuilder();
  const chosen = names.flatMap((name) => files.find((file) => file.name === name) ?? []);
  for (const { name, text } of chosen) {
    builder.startFile(name);
    const lines = text.split('\n');
    const broken = lines.pop() as string;
    for (const line of lines) builder.add(parseRecord(JSON.parse(line)));
    builder.endFile(broken === '' ? undefined : lines.length + 1);
  }
  return { history: builder.build(leftOut), chosen };
}

/**
 * Tokens that a bucket may show above its policy, by the clocks of its nodes and by what the strategy declares. Readings
 * show the size of a step only within their errors, and the report declares the steps of the sizes that it saw.
 */
function declaredTokens({ plan, givenAway }: Run, seen: readonly ClockStep[]): number {
  const { nodes, shards, refill, strategy, capacity, lengthUs, readingUs } = plan;
  const perUs = refill.tokens / refill.perUs;
  const ofJump = (us: number) =>
    us <= 0 ? 0 : strategy === 'lease' && us > 0.4e6 ? capacity : Math.min(capacity, us * perUs);
  const ofShards = shards.map(({ nodes: chain, failoversUs, lostUs }) => {
    const steps = chain.flatMap((node) => nodes[node]?.clock.jumps ?? []);
    const takeovers = failoversUs.map((us, at) => {
      const [before, after] = [chain[at % chain.length], chain[(at + 1) % chain.length]].map(
        (node) => nodes[node as number]?.clock.showsUs(us) ?? 0,
      ) as [number, number];
      return ofJump(after - before + 0.002 * lengthUs + 100 * readingUs) + (lostUs > 0 ? capacity : 0);
    });
    const names = new Set(chain.map((node) => nodes[node]?.name));
    const declared = [steps, seen.filter(({ node }) => names.has(node))].map((jumps) =>
      jumps.reduce((sum, { byUs }) => sum + ofJump(byUs), 0),
    );
    return takeovers.reduce((sum, tokens) => sum + tokens, Math.max(...declared));
  });
  return givenAway + Math.max(...ofShards);
}

/** What a judgement holds against a correct limiter, or grants where it must not; empty for nothing. */
export function accusationsOf(run: Run, { report, history }: Judged): string[] {
  const { plan } = run;
  const { overAdmission, falseDenials, replay, shards, verdict, claims, accounts, contradictions } = report;
  const declared = declaredTokens(run, report.clock.steps);
  const loses = plan.shards.some(({ lostUs }) => lostUs > 0);
  const hasFallbacks = run.givenAway > 0;
  return [
    ...(overAdmission.largestExcess > declared + 1e-6
      ? [`excess of ${overAdmission.largestExcess}, ${declared} declared`]
      : []),
    ...shards.flatMap(({ bound, largestExcess }) =>
      !hasFallbacks && bound?.totalExcess != null && largestExcess.tokens > bound.totalExcess + 1e-6
        ? [`excess of ${largestExcess.tokens}, bound ${bound.formula}`]
        : [],
    ),
    ...(plan.strategy !== 'lease' && falseDenials.total > 0 ? [`${falseDenials.total} false denials`] : []),
    ...(!loses && replay.total > 0 ? [`${replay.total} findings of replay`] : []),
    ...[...claims, ...accounts]
      .filter(
        (one) =>
          one.verdict === 'fail' &&
          !(
            'claim' in one &&
            typeof one.claim === 'string' &&
            /^(total-excess|false-denials|replay)/.test(one.claim)
          ),
      )
      .map(({ reason }) => reason),
    ...(contradictions ?? []),
    ...(history.parts?.isWhole === isWhole(plan) ? [] : ['it is wrong whether all parts are there']),
    ...(!isWhole(plan) && verdict === 'pass' ? ['passes, though parts are missing'] : []),
  ];
}

/** Whether the files have every request that was sent. */
export function isWhole({ parts }: Plan): boolean {
  const names = new Set(parts.map(({ name }) => name));
  return names.size === parts.length && parts.every(({ fate }) => fate === 'whole' || fate === 'copied');
}
