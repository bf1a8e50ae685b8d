import type { ErrorCounts } from '../history/history.ts';
import { type Claim, isLatency, type Measure } from './claim.ts';
import type { CheckFacts } from './facts.ts';
import { headroomText, shareOf } from './headroom-facts.ts';
import { NO_DENIAL } from './horizon.ts';
import type { LatencyFigures } from './latency.ts';
import { missingFor } from './missing.ts';
import { type Sample, withDoubt } from './sample.ts';
import type { ShardFacts } from './shard.ts';
import type { EvidenceRow } from './tally.ts';

/** Measures what a claim is about: once, or once for each phase of its name or for each shard of a bound. */
export function measureClaim(claim: Claim, facts: CheckFacts): readonly [Sample, ...Sample[]] {
  if (claim.phase === undefined) {
    const missing = missingFor(claim.measure, facts.whole, 'no request was sent');
    if (missing !== undefined) return [withoutSample(missing)];
    if (claim.unit !== 'bound') return [withDoubt(wholeSample(claim, facts), claim.measure, facts)];
    const [first, ...rest] = boundedShards(claim.measure, facts);
    return [withDoubt(first, claim.measure, facts), ...rest];
  }
  const [first, ...rest] = facts.phases.filter(({ name }) => name === claim.phase);
  if (first === undefined) {
    const names = facts.phases.map(({ name }) => name).join(', ');
    return [withoutSample(`there was no phase of that name; there were: ${names}`)];
  }
  const sampleOf = (row: EvidenceRow): Sample => {
    const missing = missingFor(claim.measure, row, 'no request fell into that phase');
    return missing === undefined
      ? withDoubt(rowSample(claim, row), claim.measure, facts)
      : withoutSample(missing);
  };
  return [sampleOf(first), ...rest.map(sampleOf)];
}

function withoutSample(whyNot: string): Sample {
  return { about: whyNot, whyNot };
}

function wholeSample(claim: Claim, facts: CheckFacts): Sample {
  const sample = WHOLE[claim.measure];
  return sample === undefined ? rowSample(claim, facts.whole) : sample(facts, claim);
}

/** What is known of the whole run beyond its counts. */
const WHOLE: Partial<Record<Measure, (facts: CheckFacts, claim: Claim) => Sample>> = {
  'total-excess': (facts, { measure }) => ({
    measured: facts.overAdmission.largestExcess,
    about: excessText(facts, measure),
  }),
  'worst-window': (facts, { measure }) => ({
    measured: facts.overAdmission.worst?.worstWindow ?? 0,
    about: excessText(facts, measure),
  }),
  'false-denials': denialSample,
  replay: replaySample,
  windows: windowsSample,
  failed: ({ whole, errors }) => undecidedSample('failed', whole, errors),
  info: ({ whole, errors }) => undecidedSample('info', whole, errors),
  contested: contestedSample,
  headroom: headroomSample,
};

function rowSample(claim: Claim, row: EvidenceRow): Sample {
  const { measure } = claim;
  if (isLatency(measure)) return latencySample(measure, claim, row);
  switch (measure) {
    case 'total-excess':
      return {
        measured: row.largestExcess,
        about: `${shown(row.largestExcess)} tokens admitted by one bucket beyond an ideal one, ${shown(row.excess)} by all`,
      };
    case 'false-denials':
      if (row.judgedDenials === 0) return { about: 'no denial could be judged' };
      return {
        measured: row.falseDenials,
        about: `${row.falseDenials} of ${count(row.judgedDenials, 'denial')} judged were false`,
      };
    case 'replay':
      if (row.replayed === 0) return { about: 'no decision was replayed' };
      return {
        measured: row.replay,
        about: `${count(row.replay, 'decision')} of ${row.replayed} replayed left a level that the math does not give`,
      };
    case 'info':
    case 'failed':
      return undecidedSample(measure, row);
    case 'dropped':
      return droppedSample(row);
    case 'throughput':
      return throughputSample(row);
    default:
      throw new Error(`${measure} is not of a phase`); // parseClaim refuses it
  }
}

/** Every shard's worst bucket beside the bound of that shard: what is above first, then what admitted most too much. */
function boundedShards(
  measure: Measure,
  { shards, ended, unaccounted }: CheckFacts,
): readonly [Sample, ...Sample[]] {
  const isWhole = ended && unaccounted === 0;
  const isTotal = measure === 'total-excess';
  const samples = shards.map((shard) => {
    const { bucket, tokens } = isTotal ? shard.largestExcess : shard.worstWindow;
    const declared = (isTotal ? shard.bound?.totalExcess : shard.bound?.worstWindow) ?? undefined;
    const isInDoubt = !isWhole && declared !== undefined && tokens > declared;
    const bound = isInDoubt ? undefined : declared;
    const what = isTotal ? 'beyond an ideal bucket' : 'too many in its worst window';
    const where = shard.shard === '' ? '' : ` of shard ${shard.shard}`;
    const whyNot =
      shard.shard === ''
        ? 'no bound: it is not known which node decided'
        : isInDoubt
          ? `no bound: the history is not whole, and takeovers or restarts that would add to ${shown(declared)} tokens may be missing`
          : whyUndeclared(shard, isTotal ? 'total excess' : 'worst window');
    const about =
      tokens === 0
        ? nothingTooMuch(measure)
        : `${bucket}${where} admitted ${shown(tokens)} tokens ${what}, the most of ${count(shard.buckets, 'bucket')}`;
    const sample = { measured: tokens, about, ...(bound === undefined ? { whyNot } : { bound }) };
    return { tokens, bound: bound ?? 0, sample };
  });
  const order = (shard: { tokens: number; bound: number }) => Number(shard.tokens > shard.bound);
  const [first, ...rest] = samples
    .sort((a, b) => order(b) - order(a) || b.tokens - a.tokens || b.bound - a.bound)
    .map(({ sample }) => sample);
  return first === undefined ? [{ about: 'no bucket was used' }] : [first, ...rest];
}

/** A bound that declares neither says why. */
function whyUndeclared({ bound }: ShardFacts, what: string): string {
  const isNothing = bound !== undefined && bound.totalExcess === null && bound.worstWindow === null;
  return isNothing ? bound.formula : `the strategy declares no ${what}`;
}

function nothingTooMuch(measure: Measure): string {
  return measure === 'worst-window'
    ? 'no window admitted more than an ideal bucket could'
    : 'no bucket admitted more than an ideal one could';
}

function excessText({ overAdmission, clock }: CheckFacts, measure: Measure): string {
  const { worst, buckets, totalExcess } = overAdmission;
  if (buckets === 0) return nothingTooMuch(measure);
  const many = `${count(buckets, 'bucket')} over-admitted`;
  if (worst === undefined) return `${many} ${shown(totalExcess)} tokens in all`;
  const { window } = worst;
  const seconds = ((window.endUs - window.startUs) / 1_000_000).toFixed(3);
  return (
    `${many}; worst window: ${worst.bucket} admitted ${window.admitted} tokens ` +
    `within ${seconds} s, where an ideal bucket admits at most ${window.allowance.toFixed(3)}${stepsText(clock)}`
  );
}

/** A clock that jumps ahead fills buckets early: not the limiter's fault, and not subtracted either. */
function stepsText({ steps }: CheckFacts['clock']): string {
  const forward = steps.filter(({ byUs }) => byUs > 0);
  if (forward.length === 0) return '';
  return ` (the server's clock jumped ahead by ${forward.map(({ byUs }) => (byUs / 1_000_000).toFixed(3)).join(', ')} s)`;
}

function denialSample({ falseDenials, promise, whole }: CheckFacts, { limit }: Claim): Sample {
  const { total, buckets, judged, whyNot, certain, byFailurePolicy = 0, refutable = judged } = falseDenials;
  const others =
    byFailurePolicy === 0
      ? ''
      : `; ${count(byFailurePolicy, 'denial')} by a failure policy ${byFailurePolicy === 1 ? 'is' : 'are'} not judged: no evidence of the shared bucket`;
  const isHidden =
    promise === 'token-bucket' && whole.outcomes.denied > 0 && Number.isFinite(limit) && whyNot !== NO_DENIAL;
  if (judged === 0) return { about: `no denial could be judged: ${whyNot}${others}`, isHidden };
  if (total === 0) {
    const unjudged = whyNot === '' ? '' : `; ${whyNot}`;
    return { measured: 0, about: `${noneFalse(judged, refutable)}${unjudged}${others}` };
  }
  const about =
    `${total} of ${count(judged, 'denial')} ${total === 1 ? 'was' : 'were'} false, in ${count(buckets, 'bucket')}: ` +
    `the bucket held the cost at every moment${others}`;
  if (certain === undefined || certain === total) return { measured: total, about };
  const doubt = `requests that are missing from the history may explain ${total - certain} of them`;
  return { measured: total, least: certain, about, doubt };
}

/** A few denials are excused in any run. */
function noneFalse(judged: number, refutable: number): string {
  const all = count(judged, 'denial');
  if (2 * refutable >= judged) return `none of ${all} was false`;
  if (refutable > 0)
    return `none of ${all} was false, and ${refutable} could have been: ${EXCUSED} the others`;
  return `none of ${all} could have been found false: ${EXCUSED} ${judged === 1 ? 'it' : 'them'}`;
}

const EXCUSED =
  'whatever the limiter did, the grant for clocks, what was in flight or what came before the history excuses';

function replaySample({ replay }: CheckFacts): Sample {
  if (replay.replayed === 0) return { about: 'no decision says which level it left: none was replayed' };
  const about =
    replay.total === 0
      ? `${count(replay.replayed, 'decision')} replayed to the last quantum`
      : `${count(replay.total, 'decision')} of ${replay.replayed} replayed left a level that the math does not give`;
  return { measured: replay.total, about };
}

function windowsSample({ windows, promise }: CheckFacts): Sample {
  if (promise === 'token-bucket') return { about: 'the promise is a token bucket: it has no windows' };
  if (windows.buckets === 0) return { measured: 0, about: `no bucket broke its promise of ${promise}` };
  const [worst] = windows.findings;
  const proof = worst === undefined ? '' : `; ${worst.bucket}: ${worst.inequality}`;
  return {
    measured: windows.total,
    about: `${count(windows.buckets, 'bucket')} broke the promise of ${promise}${proof}`,
  };
}

const UNDECIDED = {
  failed: 'were not decided',
  info: 'have no reply that says what they were charged',
};

/** A system that decides little shows little, however well it decides. The codes are known of a whole run. */
function undecidedSample(
  outcome: 'failed' | 'info',
  { outcomes, operations }: EvidenceRow,
  errors?: CheckFacts['errors'],
): Sample {
  const share = outcomes[outcome] / operations;
  const codes = errors === undefined ? '' : codesText(errors[outcome]);
  return { measured: share, about: `${percent(share)} of the requests ${UNDECIDED[outcome]}${codes}` };
}

/** The most frequent codes. */
function codesText(errors: ErrorCounts): string {
  const codes = Object.entries(errors)
    .slice(0, 3)
    .map(([code, times]) => `${code} ${times} times`);
  return codes.length === 0 ? '' : `: ${codes.join(', ')}`;
}

function droppedSample({ dropped, arrivals }: EvidenceRow): Sample {
  const share = dropped / arrivals;
  return {
    measured: share,
    about: `${percent(share)} of the ${arrivals} requests that were due were dropped`,
  };
}

function contestedSample({ contested, buckets }: CheckFacts, { unit }: Claim): Sample {
  if (unit === 'count')
    return {
      measured: contested.buckets,
      about: `${contested.buckets} of ${count(buckets, 'bucket')} were drained and contested`,
    };
  const about = `${contested.busiest} of the ${contested.ofBusiest} busiest planned buckets were drained and contested`;
  return contested.ofBusiest === 0
    ? { about, whyNot: 'no plan says which buckets are the busiest' }
    : { measured: contested.busiest / contested.ofBusiest, about };
}

function headroomSample({ headroom }: CheckFacts, { limit }: Claim): Sample {
  if (headroom === undefined) return { about: 'no bucket was contested: none has a headroom' };
  const { median, largest, cause } = headroom;
  const measured = shareOf(median);
  const why = measured > limit && cause !== undefined ? `; ${cause}` : '';
  return {
    measured,
    about:
      `contested buckets could have admitted ${headroomText(median)} more (median) without being seen, ` +
      `${headroomText(largest)} at most${why}`,
  };
}

function latencySample(measure: 'p50' | 'p99' | 'max', { outcome }: Claim, row: EvidenceRow): Sample {
  const figures: LatencyFigures | undefined = outcome === undefined ? row.latency.any : row.latency[outcome];
  const what = outcome ?? 'answered';
  if (figures === undefined) return { about: `no request was ${what}`, whyNot: `no request was ${what}` };
  const us = { p50: figures.p50Us, p99: figures.p99Us, max: figures.maxUs }[measure];
  return {
    measured: us,
    about: `${measure} of ${count(figures.count, 'request')} ${what} was ${(us / 1_000).toFixed(1)}ms`,
  };
}

function throughputSample({ outcomes, lengthUs }: EvidenceRow): Sample {
  if (lengthUs <= 0) return { about: 'no time passed', whyNot: 'all requests fell into one moment' };
  const perSecond = ((outcomes.allowed + outcomes.denied) * 1_000_000) / lengthUs;
  return { measured: perSecond, about: `${Math.round(perSecond)} requests/s were allowed or denied` };
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 0)}%`;
}

function shown(tokens: number): number {
  return Math.round(tokens * 1_000) / 1_000;
}
