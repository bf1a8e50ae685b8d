import { type Bucket, fullBucket, refill } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import type { History } from '../../../src/history/history.ts';
import type { Charge, ClockReading, Operation, Outcome } from '../../../src/history/records/operation.ts';
import { EPOCH_US } from './limiter.ts';

/**
 * An acked limiter on nodes that fail over and come back, over buckets of several policies, charged alone or together,
 * refunded, asked for nothing and for more than they hold; requests are sent twice, tried again and lost, and a
 * replaced primary continues to answer. It keeps all that it declares, so no checker may convict it.
 */
export interface Replicated {
  readonly history: History;
  /** Whether clocks differ or jump: the limiter then declares that this may mint tokens. */
  readonly mayMint: boolean;
}

const RATES = ['1/s', '5/s', '100/min', '7/s', '1/7s', '3/1ms', '50/s', '1/d', '99991/s', '1/us', '13/17s'];
const CAPACITIES = [1, 1, 2, 3, 5, 20, 1_000];
const REQUESTS = 300;

interface Drawn {
  readonly random: Random;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly nodes: number;
  readonly offsetsUs: readonly number[];
  /** The clock of all nodes jumps, either way. In the order of time. */
  readonly steps: readonly { readonly atUs: number; readonly byUs: number }[];
  readonly driftPpm: number;
  readonly replicationUs: number;
  /** In the order of time. */
  readonly failoversUs: readonly number[];
  readonly staleUs: number;
  readonly startUs: number;
}

interface Attempt {
  readonly charges: readonly Required<Charge>[];
  readonly invokedUs: number;
  readonly decidedUs: number;
  /** When the gateway sends it once more. */
  readonly againUs: number | undefined;
  readonly completedUs: number;
  readonly lost: 'nothing' | 'request' | 'reply';
  readonly decisionId: string | undefined;
  readonly isLastKnown: boolean;
}

interface Answer {
  readonly outcome: 'allowed' | 'denied' | 'unknown';
  readonly atUs: number;
  readonly evidence?: {
    readonly node: string;
    readonly atUs: number;
    readonly bucketUs: number;
    readonly levelQuanta: number;
  };
}

/** With `keptShare` its records are in the order in which they were written, and break off after that share of them. */
export function runReplicated(seed: number, keptShare?: number): Replicated {
  const random = makeRandom(seed, 'replicated');
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const policies = new Map(
    Array.from({ length: pick([1, 1, 2, 3]) }, (_, at) => [
      `p${at}`,
      makePolicy(pick(CAPACITIES), pick(RATES)),
    ]),
  );
  const [first] = policies.values() as unknown as [Policy];
  const tokenUs = Math.max(1, first.quantaPerToken / first.quantaPerUs);
  const attempts = drawAttempts(random, [...policies], tokenUs);
  const lastUs = attempts.reduce((last, { completedUs }) => Math.max(last, completedUs), 0);
  const nodes = pick([1, 2, 3]);
  const isApart = nodes > 1 && random() < 0.3;
  const hasSteps = random() < 0.15;
  const every = lastUs / pick([0.5, 2, 10, 40]);
  const drawn: Drawn = {
    random,
    policies,
    nodes,
    offsetsUs: Array.from({ length: nodes }, () =>
      isApart ? Math.floor((random() - 0.5) * 4 * tokenUs) : 0,
    ),
    steps: hasSteps
      ? momentsUntil(random, lastUs, lastUs / pick([1, 3])).map((atUs) => ({
          atUs,
          byUs: Math.floor((random() - 0.5) * 20 * pick([tokenUs, 1_000, 100_000])),
        }))
      : [],
    driftPpm: pick([0, 0, 300, -300]),
    replicationUs: Math.ceil(tokenUs * pick([0.1, 1, 5])),
    failoversUs: nodes === 1 ? [] : momentsUntil(random, lastUs, every),
    staleUs: tokenUs * pick([0, 5]),
    startUs: random() < 0.25 ? lastUs * 0.1 : Number.NEGATIVE_INFINITY,
  };
  return {
    history: record(decideAll(attempts, drawn), drawn, { lastUs, keptShare }),
    mayMint: isApart || hasSteps,
  };
}

function momentsUntil(random: Random, lastUs: number, everyUs: number): number[] {
  const moments: number[] = [];
  for (let us = everyUs * random(); us < lastUs; us += everyUs * (0.5 + random()))
    moments.push(Math.ceil(us));
  return moments;
}

function drawAttempts(random: Random, policies: readonly [string, Policy][], tokenUs: number): Attempt[] {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const buckets = pick([1, 2, 4]);
  const stepUs = (2 * tokenUs) / pick([0.7, 1.5, 4]) / buckets;
  const latencyUs = Math.ceil(tokenUs * pick([0, 0.1, 1, 5]));
  const [lossRate, retryRate, doubleRate] = [pick([0, 0.02, 0.2]), pick([0, 0.5, 1]), pick([0, 0.05])];
  const [oddRate, refundRate, severalRate] = [pick([0, 0.1]), pick([0, 0, 0.1]), pick([0, 0.5])];
  const delay = () => Math.floor(random() * random() * 2 * latencyUs);
  let nowUs = 10_000;
  const drawCharges = () => {
    const bucket = `b${Math.floor(random() * buckets)}`;
    const costOf = ({ capacityTokens }: Policy) => 1 + Math.floor(random() * Math.min(3, capacityTokens));
    if (random() < severalRate)
      return policies.map(([policy, made]) => ({ bucket, policy, cost: costOf(made) }));
    const [policy, made] = pick(policies);
    const odd = random() < 0.5 ? 0 : made.capacityTokens + 1;
    const cost = random() < refundRate ? -1 : random() < oddRate ? odd : costOf(made);
    return [{ bucket, policy, cost }];
  };
  return Array.from({ length: REQUESTS }, (_, id) => {
    nowUs += Math.floor(random() * stepUs * (random() < 0.1 ? 30 : 1));
    const charges = drawCharges();
    const attemptAt = (invokedUs: number, decisionId: string | undefined, loss: number): Attempt => {
      const decidedUs = invokedUs + delay();
      const isDouble =
        decisionId === undefined && charges.length === 1 && charges[0]?.cost !== -1 && random() < doubleRate;
      const againUs = isDouble ? decidedUs + delay() : undefined;
      const lost = random() < loss ? pick(['request', 'reply'] as const) : 'nothing';
      const completedUs = (againUs ?? decidedUs) + delay();
      return {
        charges,
        invokedUs,
        decidedUs,
        againUs,
        completedUs,
        lost,
        decisionId,
        isLastKnown: random() < 0.7,
      };
    };
    if (random() >= retryRate) return [attemptAt(nowUs, undefined, lossRate)];
    const tries = [attemptAt(nowUs, String(id), lossRate)];
    while (tries.at(-1)?.lost !== 'nothing' && tries.length < 4)
      tries.push(
        attemptAt((tries.at(-1)?.completedUs ?? 0) + Math.floor(random() * latencyUs), String(id), lossRate),
      );
    return tries;
  }).flat();
}

/** What a primary holds; never changed, so that a failover can go back to it. */
interface State {
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** When each named decision was charged. */
  readonly charged: ReadonlyMap<string, number>;
}

interface Primary {
  readonly node: number;
  state: State;
}

/** The limiter: one primary at a time, and for a while one that was replaced and does not know it. */
class Cluster {
  readonly #drawn: Drawn;
  #primary: Primary = { node: 0, state: { buckets: new Map(), charged: new Map() } };
  #stale: Primary | undefined;
  /** States that a replica has not surely heard of yet, and the one before them. */
  #states: { readonly atUs: number; readonly state: State }[];
  #failovers = 0;

  constructor(drawn: Drawn) {
    this.#drawn = drawn;
    this.#states = [{ atUs: Number.NEGATIVE_INFINITY, state: this.#primary.state }];
  }

  decide({ charges, decisionId }: Attempt, atUs: number): Answer {
    this.#failOver(atUs);
    const { random, staleUs } = this.#drawn;
    const isStale = this.#stale !== undefined && atUs < this.#failoverUs(-1) + staleUs && random() < 0.5;
    const primary = isStale ? (this.#stale as Primary) : this.#primary;
    const ackedBeforeUs = this.#failoverUs(isStale ? -1 : 0) - this.#drawn.replicationUs;
    const chargedUs = primary.state.charged.get(decisionId ?? '');
    if (chargedUs !== undefined) return this.#answerOf(chargedUs, ackedBeforeUs);
    const { isAllowed, changed, evidence } = this.#ask(primary, charges, atUs);
    if (!isAllowed) return { outcome: 'denied', atUs, evidence };
    const { buckets, charged } = primary.state;
    primary.state = {
      buckets: new Map([...buckets, ...changed]),
      charged: decisionId === undefined ? charged : new Map([...charged, [decisionId, atUs]]),
    };
    if (!isStale) this.#states.push({ atUs, state: primary.state });
    const isLost = isStale || atUs >= ackedBeforeUs;
    return isLost ? { outcome: 'unknown', atUs } : { ...this.#answerOf(atUs, ackedBeforeUs), evidence };
  }

  /** An admission is answered once the replica has it. */
  #answerOf(chargedUs: number, ackedBeforeUs: number): Answer {
    const atUs = chargedUs + this.#drawn.replicationUs;
    return { outcome: chargedUs < ackedBeforeUs ? 'allowed' : 'unknown', atUs };
  }

  #ask({ node, state }: Primary, charges: Attempt['charges'], atUs: number) {
    const { policies } = this.#drawn;
    const serverUs = clockOf(node, atUs, this.#drawn);
    const taken = charges.map(({ bucket, policy: name, cost }) => {
      const policy = policies.get(name) as Policy;
      const key = `${name} ${bucket}`;
      const now = refill(state.buckets.get(key) ?? fullBucket(policy, serverUs), policy, serverUs);
      const left = Math.min(policy.capacityQuanta, now.levelQuanta - cost * policy.quantaPerToken);
      return { key, now, left };
    });
    const isAllowed = taken.every(({ left }) => left >= 0);
    const [{ now, left }] = taken as [(typeof taken)[0]];
    const levelQuanta = isAllowed ? left : now.levelQuanta;
    const changed = taken.map((one) => [one.key, { ...one.now, levelQuanta: one.left }] as const);
    return {
      isAllowed,
      changed,
      evidence: { node: `n${node}`, atUs: serverUs, bucketUs: now.updatedAtUs, levelQuanta },
    };
  }

  #failoverUs(from: number): number {
    return this.#drawn.failoversUs[this.#failovers + from] ?? Number.POSITIVE_INFINITY;
  }

  #failOver(atUs: number): void {
    for (; this.#failoverUs(0) <= atUs; this.#failovers++) {
      const heardUs = this.#failoverUs(0) - this.#drawn.replicationUs;
      const last = this.#states.findLast((one) => one.atUs < heardUs) as { state: State };
      this.#stale = this.#primary;
      this.#primary = { node: (this.#stale.node + 1) % this.#drawn.nodes, state: last.state };
      this.#states = [{ atUs: Number.NEGATIVE_INFINITY, state: last.state }];
    }
  }
}

function decideAll(attempts: readonly Attempt[], drawn: Drawn): Operation[] {
  const cluster = new Cluster(drawn);
  const answers = new Map<Attempt, Answer>();
  const arrivals = attempts
    .filter(({ lost }) => lost !== 'request')
    .flatMap((attempt) =>
      [attempt.decidedUs, ...(attempt.againUs === undefined ? [] : [attempt.againUs])].map((atUs) => ({
        attempt,
        atUs,
      })),
    );
  for (const { attempt, atUs } of arrivals.sort((a, b) => a.atUs - b.atUs))
    answers.set(attempt, cluster.decide(attempt, atUs));
  return attempts.map((attempt) => toOperation(attempt, answers.get(attempt)));
}

function toOperation(attempt: Attempt, answer: Answer | undefined): Operation {
  const { charges, invokedUs, decidedUs, againUs, lost, decisionId } = attempt;
  const [{ bucket, policy, cost }] = charges as [Required<Charge>];
  const isAnswered = lost === 'nothing' && answer !== undefined && answer.outcome !== 'unknown';
  const outcome: Outcome = isAnswered ? (answer.outcome as Outcome) : 'info';
  return {
    type: 'op',
    index: 0,
    user: '',
    region: '',
    process: 0,
    bucket,
    policy,
    cost,
    invokedUs,
    completedUs: isAnswered ? Math.max(attempt.completedUs, answer.atUs) : null,
    outcome,
    ...(charges.length > 1 ? { charges } : {}),
    ...(againUs === undefined ? {} : { maxCharge: 2 * cost }),
    ...(attempt.isLastKnown ? { latestUs: againUs ?? decidedUs } : {}),
    ...(decisionId === undefined ? {} : { decisionId }),
    ...(isAnswered && answer.evidence !== undefined
      ? { decision: { strategy: 'acked', source: 'redis', ...answer.evidence } }
      : {}),
  };
}

/** A history that starts in mid-traffic leaves out what was over by then, unless it is of a decision that was not. */
function record(
  operations: readonly Operation[],
  drawn: Drawn,
  { lastUs, keptShare }: { lastUs: number; keptShare: number | undefined },
): History {
  const { policies, startUs } = drawn;
  const isOver = ({ completedUs, latestUs }: Operation) =>
    (completedUs ?? latestUs ?? Number.POSITIVE_INFINITY) < startUs;
  const late = new Set(operations.filter((one) => !isOver(one)).map(({ decisionId }) => decisionId));
  const whole = operations.filter(
    (one) => !isOver(one) || (one.decisionId !== undefined && late.has(one.decisionId)),
  );
  const recorded = keptShare === undefined ? whole : cut(whole, keptShare);
  const builder = new HistoryBuilder();
  builder.startFile('simulated');
  builder.add({
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policies: Object.fromEntries(
      [...policies].map(([name, policy]) => [
        name,
        { capacity: policy.capacityTokens, refill: policy.refill },
      ]),
    ),
    strategy: 'acked',
    scenario: '',
    seed: 0,
    regions: [],
    startedAt: '',
    initial: startUs === Number.NEGATIVE_INFINITY ? 'full' : 'unknown',
  });
  for (const [index, operation] of recorded.entries()) builder.add({ ...operation, index });
  for (const reading of readClocks(drawn, lastUs)) builder.add(reading);
  if (keptShare === undefined) builder.add({ type: 'end', atUs: lastUs, sent: recorded.length });
  builder.endFile();
  return builder.build();
}

/** Each operation is written when it is over; what had no reply is given up some time after it was sent. */
function cut(operations: readonly Operation[], keptShare: number): Operation[] {
  const writtenUs = ({ completedUs, latestUs, invokedUs }: Operation) =>
    completedUs ?? Math.max(latestUs ?? 0, invokedUs + 10_000);
  return operations
    .toSorted((a, b) => writtenUs(a) - writtenUs(b))
    .slice(0, Math.max(1, Math.floor(keptShare * operations.length)));
}

function clockOf(node: number, atUs: number, { offsetsUs, driftPpm, steps }: Drawn): number {
  const steppedUs = steps.reduce((sum, step) => (step.atUs <= atUs ? sum + step.byUs : sum), 0);
  return EPOCH_US + Math.floor(atUs * (1 + driftPpm / 1e6)) + (offsetsUs[node] as number) + steppedUs;
}

function readClocks(drawn: Drawn, lastUs: number): ClockReading[] {
  return drawn.offsetsUs.flatMap((_, node) =>
    Array.from({ length: 101 }, (_, at) => {
      const atUs = Math.floor((lastUs * at) / 100);
      const serverUs = clockOf(node, atUs, drawn);
      return { type: 'clock', node: `n${node}`, atUs, serverUs, errorUs: 1 };
    }),
  );
}
