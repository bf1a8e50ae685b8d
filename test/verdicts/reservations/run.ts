import type { Policy } from '../../../src/core/policy.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type {
  Header,
  HistoryRecord,
  Operation,
  Outcome,
  RecordedExtension,
  RecordedSettlement,
} from '../../../src/history/records/operation.ts';
import { Dice } from '../soak/dice.ts';
import { Agenda } from './agenda.ts';
import { type Answer, type Defect, ReservingLimiter } from './limiter.ts';
import type { Plan } from './plan.ts';

const ORIGIN_US = 1_795_000_000_000_000;

/** A call as its caller saw it. */
interface Seen {
  readonly invokedUs: number;
  readonly completedUs: number | null;
  readonly outcome: Outcome;
  readonly latestUs?: number;
  readonly answer?: Answer;
}

interface Written {
  readonly writtenUs: number;
  readonly record: Omit<Operation, 'index'>;
}

export interface Recorded {
  readonly records: readonly HistoryRecord[];
  /** As it is handed to a reader. */
  readonly text: string;
  /** Whether a planted limiter admitted what an exact one could not have. */
  readonly isShown: boolean;
  readonly features: ReadonlySet<string>;
}

/** Runs a limiter of the plan, with or without a defect, and records what its callers saw. */
export function runPlan(plan: Plan, defect?: Defect): Recorded {
  const simulation = new Simulation(plan, defect);
  simulation.run();
  return simulation.recorded();
}

class Simulation {
  readonly #plan: Plan;
  readonly #defect: Defect | undefined;
  readonly #dice: Dice;
  readonly #agenda = new Agenda();
  readonly #limiter: ReservingLimiter;
  /** What an exact bucket would hold after the same admissions. */
  readonly #book: ReservingLimiter;
  readonly #written: Written[] = [];
  readonly #others: HistoryRecord[] = [];
  readonly #features = new Set<string>();
  #endUs = 0;

  constructor(plan: Plan, defect: Defect | undefined) {
    this.#plan = plan;
    this.#defect = defect;
    this.#dice = new Dice(plan.seed, 'reserving');
    this.#limiter = new ReservingLimiter(plan.policies, defect);
    this.#book = new ReservingLimiter(plan.policies);
  }

  run(): void {
    let us = 10;
    for (let request = 0; request < this.#plan.requests; request++) {
      us += 2 * this.#dice.next() * this.#plan.stepUs * this.#dice.pick([0.05, 0.3, 1, 2]);
      this.#agenda.at(us, () => this.#request(`d${request}`));
    }
    this.#endUs = us;
    const { policies, recording, hasLevels, hasStated } = this.#plan;
    this.#features.add(recording.startsWith('cut') ? 'cut' : recording);
    if (policies.length > 1) this.#features.add('several policies');
    if (hasLevels) this.#features.add('levels');
    if (hasStated) this.#features.add('stated');
    this.#agenda.run();
    if (this.#plan.clock.kind === 'read') this.#readClock();
  }

  #request(id: string): void {
    const { reservations, refunds, resets, subjects } = this.#plan;
    const subject = `u${this.#dice.below(subjects)}`;
    if (this.#dice.chance(resets)) this.#reset(subject);
    else if (this.#dice.chance(refunds)) this.#refund(subject);
    else if (this.#dice.chance(reservations)) new Reserving(this.#tools(), subject, id).reserve();
    else this.#take(subject);
  }

  #tools(): Tools {
    return {
      plan: this.#plan,
      dice: this.#dice,
      agenda: this.#agenda,
      call: (decide, then, options) => this.#call(decide, then, options),
      write: (record) => this.#written.push({ writtenUs: this.#agenda.nowUs, record }),
      evidence: (seen) => this.#evidence(seen),
      note: (feature) => this.#features.add(feature),
    };
  }

  #take(subject: string): void {
    const costs = costsOf(this.#dice, this.#plan, 1);
    this.#call(
      (limiter, us) => limiter.take(subject, costs, us),
      (seen) => {
        const record = operation(this.#plan, { subject, costs, seen });
        this.#written.push({
          writtenUs: this.#agenda.nowUs,
          record: { ...record, ...this.#evidence(seen) },
        });
      },
    );
  }

  #refund(subject: string): void {
    const costs = costsOf(this.#dice, this.#plan, 1);
    this.#features.add('refunds');
    this.#call(
      (limiter, us) => limiter.refund(subject, costs, us),
      (seen) => {
        const back = costs.map((cost) => -cost);
        const record = operation(this.#plan, { subject, costs: back, seen });
        this.#written.push({ writtenUs: this.#agenda.nowUs, record });
      },
    );
  }

  #reset(subject: string): void {
    this.#features.add('resets');
    this.#others.push({
      ...{ type: 'event', event: 'reset', atUs: Math.floor(this.#agenda.nowUs), args: { bucket: subject } },
    });
    this.#agenda.at(this.#agenda.nowUs + this.#delay(), () => {
      for (const limiter of [this.#limiter, this.#book])
        limiter.reset(subject, this.#limiterUs(this.#agenda.nowUs));
    });
  }

  /** A call that is executed once, or never, and answered or not. */
  #call(
    decide: (limiter: ReservingLimiter, us: number) => Answer,
    then: (seen: Seen) => void,
    { isSettlement = false }: { isSettlement?: boolean } = {},
  ): void {
    const { lost, failed } = this.#plan;
    const startUs = this.#agenda.nowUs;
    const decidedUs = startUs + this.#delay();
    const repliedUs = decidedUs + this.#delay();
    const isFailed = this.#dice.chance(failed);
    const isLost = !isFailed && this.#dice.chance(lost);
    const fate = isLost ? this.#dice.pick(['never', 'in time', 'late'] as const) : 'in time';
    const executedUs = fate === 'late' ? repliedUs + 20 * this.#dice.next() * this.#plan.tokenUs : decidedUs;
    const latestUs = Math.ceil(fate === 'late' ? executedUs : repliedUs);
    let answer: Answer | undefined;
    const isWrong = isFailed && isSettlement && this.#defect === 'gives back though the settlement failed';
    if (isWrong) this.#agenda.at(decidedUs, () => decide(this.#limiter, this.#limiterUs(this.#agenda.nowUs)));
    else if (!isFailed && fate !== 'never')
      this.#agenda.at(executedUs, () => {
        const us = this.#limiterUs(this.#agenda.nowUs);
        answer = decide(this.#limiter, us);
        this.#book.forced = answer.isAllowed;
        decide(this.#book, us);
      });
    this.#agenda.at(repliedUs, () => {
      const interval = { invokedUs: Math.floor(startUs), completedUs: Math.ceil(repliedUs) };
      if (isFailed) then({ ...interval, outcome: 'failed' });
      else if (isLost) {
        const known = this.#dice.chance(0.5) ? { latestUs } : {};
        this.#features.add(`lost: ${fate}`);
        then({ ...interval, completedUs: null, outcome: 'info', ...known });
      } else if (answer?.isGone) then({ ...interval, outcome: 'failed' });
      else if (answer !== undefined)
        then({ ...interval, outcome: answer.isAllowed ? 'allowed' : 'denied', answer });
    });
  }

  #delay(): number {
    return this.#plan.latencyUs * 2 * this.#dice.next() * this.#dice.next();
  }

  #limiterUs(us: number): number {
    const { ppm, unitUs } = this.#plan.clock;
    const shown = us + (us * ppm) / 1_000_000;
    return ORIGIN_US + Math.floor(Math.floor(shown) / unitUs) * unitUs;
  }

  #readClock(): void {
    for (let at = 0; at <= 60; at++) {
      const us = Math.floor(((this.#endUs + 60 * this.#plan.tokenUs) * at) / 60);
      const { unitUs } = this.#plan.clock;
      const reading = { atUs: us, serverUs: this.#limiterUs(us), errorUs: 2 + unitUs };
      this.#others.push({ type: 'clock', node: 'n', ...reading });
    }
  }

  #evidence({ answer, outcome }: Seen): Pick<Operation, 'decision' | 'stated'> {
    const { hasLevels, hasStated, policies } = this.#plan;
    const [policy] = policies as [Policy];
    if (answer === undefined || policies.length > 1 || outcome === 'info') return {};
    const { bucketUs, levelQuanta } = answer;
    const remaining = Math.floor(levelQuanta / policy.quantaPerToken);
    return {
      ...(hasLevels && {
        decision: { strategy: 'central', node: 'n', source: 'redis', bucketUs, levelQuanta } as const,
      }),
      ...(hasStated && { stated: { remaining, limit: policy.capacityTokens } }),
    };
  }

  recorded(): Recorded {
    const { recording } = this.#plan;
    const isCut = recording === 'cut' || recording === 'cut in a line';
    const startUs = recording === 'in mid-traffic' ? this.#endUs * this.#dice.between(0.1, 0.5) : 0;
    const lines = this.#written.toSorted((a, b) => a.writtenUs - b.writtenUs);
    const kept = isCut ? lines.slice(0, 1 + this.#dice.below(lines.length)) : lines;
    const late = new Set(
      kept.filter(({ record }) => mayBeAfter(record, startUs)).map(({ record }) => nameOf(record)),
    );
    const shown = kept.filter(
      ({ record }) =>
        mayBeAfter(record, startUs) || (record.decisionId !== undefined && late.has(nameOf(record))),
    );
    const operations = shown.map(({ record }, index) => ({ ...record, index }) as Operation);
    const header = headerOf(this.#plan);
    const end = { type: 'end', atUs: Math.ceil(this.#endUs), sent: operations.length } as const;
    const records = [header, ...this.#others, ...operations, ...(isCut ? [] : [end])];
    const text = records.map(encodeRecord).join('');
    const length =
      recording === 'cut in a line' && operations.length > 0
        ? text.length - this.#dice.below(20) - 1
        : text.length;
    return {
      records,
      text: text.slice(0, length),
      isShown: this.#book.isOverdrawn,
      features: this.#features,
    };
  }
}

interface Tools {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly agenda: Agenda;
  call(
    decide: (limiter: ReservingLimiter, us: number) => Answer,
    then: (seen: Seen) => void,
    options?: { isSettlement: boolean },
  ): void;
  write(record: Omit<Operation, 'index'>): void;
  evidence(seen: Seen): Pick<Operation, 'decision' | 'stated'>;
  note(feature: string): void;
}

/** One reservation: what its caller does, one after the other. */
class Reserving {
  readonly #tools: Tools;
  readonly #subject: string;
  readonly #id: string;
  readonly #costs: readonly number[];
  readonly #expiresUs: number | undefined;
  /** The first start of the reservation, or of its last extension that was admitted. */
  #firstUs: number;
  readonly #isNamed: boolean;
  readonly #extended: RecordedExtension[] = [];
  readonly #held: number[];
  #settled: RecordedSettlement | undefined;
  #take: Omit<Operation, 'index'> | undefined;

  constructor(tools: Tools, subject: string, id: string) {
    const { dice, plan, agenda } = tools;
    this.#tools = tools;
    this.#subject = subject;
    this.#id = id;
    this.#costs = costsOf(dice, plan, 4);
    this.#held = [...this.#costs];
    const isExpiring = dice.chance(plan.expiring);
    this.#expiresUs = isExpiring ? Math.ceil(plan.tokenUs * dice.pick(plan.expiresTokens)) : undefined;
    this.#firstUs = Math.floor(agenda.nowUs);
    this.#isNamed = dice.chance(0.5);
  }

  reserve(): void {
    const { call, plan, dice, note } = this.#tools;
    const ask = { id: this.#id, costs: this.#costs, expiresUs: this.#expiresUs };
    call(
      (limiter, us) => limiter.reserve(this.#subject, ask, us),
      (seen) => {
        const id = this.#isNamed ? { decisionId: this.#id } : {};
        const record = operation(plan, { subject: this.#subject, costs: this.#costs, seen });
        const take = { ...record, ...id, ...this.#tools.evidence(seen) };
        if (seen.outcome === 'allowed') {
          this.#take = take;
          this.#goOn();
        } else if (seen.outcome === 'info' && this.#isNamed && dice.chance(0.7)) {
          note('a repeated reservation');
          this.#tools.write(dice.chance(0.5) ? this.#expiring(take) : take);
          this.#later(() => this.reserve());
        } else this.#tools.write(this.#expiring(take));
      },
    );
  }

  #expiring(take: Omit<Operation, 'index'>): Omit<Operation, 'index'> {
    if (this.#expiresUs === undefined || take.outcome === 'denied' || take.outcome === 'failed') return take;
    return { ...take, expiresUs: this.#firstUs + this.#expiresUs };
  }

  #later(act: () => void): void {
    const { agenda, dice, plan } = this.#tools;
    agenda.at(agenda.nowUs + dice.next() * plan.tokenUs * dice.pick(plan.pauseTokens), act);
  }

  #goOn(): void {
    const { dice, plan } = this.#tools;
    if (this.#extended.length < 3 && dice.chance(plan.extended)) this.#later(() => this.#extend());
    else if (dice.chance(plan.unsettled)) this.#end('never settled');
    else this.#later(() => this.#settle(this.#actual()));
  }

  #actual(): readonly number[] {
    const { dice } = this.#tools;
    const isWhole = dice.chance(0.1);
    return this.#held.map((tokens) => (isWhole ? tokens : dice.below(tokens + 1)));
  }

  #extend(number = this.#extended.length, firstUs = Math.floor(this.#tools.agenda.nowUs)): void {
    const { call, dice, note } = this.#tools;
    const costs = this.#costs.map((cost) => Math.min(2, cost));
    call(
      (limiter, us) => limiter.extend(this.#id, number, costs, us),
      (seen) => {
        const isRepeated = seen.outcome === 'info' && dice.chance(0.5);
        if (isRepeated) {
          note('a repeated extension');
          this.#unanswered = this.#unanswered === undefined ? seen : withoutLatest(this.#unanswered);
          this.#later(() => this.#extend(number, firstUs));
          return;
        }
        const isJoined = seen.outcome === 'allowed' || seen.outcome === 'info';
        if (this.#unanswered !== undefined && !isJoined)
          this.#extended.push(this.#step(costs, this.#unanswered));
        const last = this.#unanswered === undefined ? seen : withoutLatest(seen);
        this.#extended.push(this.#step(costs, isJoined ? { ...last, invokedUs: firstUs } : last));
        this.#unanswered = undefined;
        note(`extended: ${seen.outcome}`);
        if (seen.outcome === 'allowed') this.#firstUs = firstUs;
        if (seen.outcome === 'allowed')
          for (const [at, cost] of costs.entries()) this.#held[at] = (this.#held[at] as number) + cost;
        this.#goOn();
      },
    );
  }

  #unanswered: Seen | undefined;

  #settle(actual: readonly number[], before?: RecordedSettlement): void {
    const { call, dice, plan, note } = this.#tools;
    call(
      (limiter, us) => limiter.settle(this.#id, actual, us),
      (seen) => {
        const { answer } = seen;
        const counted = answer?.actual ?? actual;
        this.#settled = joined(before, this.#step(counted, seen) as RecordedSettlement, plan);
        const isAnswered = seen.outcome === 'allowed';
        note(`settled: ${seen.outcome}`);
        if (dice.chance(isAnswered ? plan.repeated : 0.6)) {
          note('a repeated settlement');
          const again = dice.chance(0.5) ? actual : this.#actual();
          const settled = this.#settled;
          this.#later(() => this.#settle(again, settled));
        } else this.#end('settled');
      },
      { isSettlement: true },
    );
  }

  #step(costs: readonly number[], seen: Seen): RecordedExtension {
    return stepOf(this.#tools.plan, { subject: this.#subject, costs, seen });
  }

  #end(how: string): void {
    const { write, note, dice } = this.#tools;
    if (this.#take === undefined) return;
    note(how);
    if (this.#expiresUs !== undefined) note(`${how}, expiring`);
    const reservation = {
      ...this.#expiring(this.#take),
      ...(this.#extended.length > 0 && { extended: this.#extended }),
      ...(this.#settled !== undefined && { settled: this.#settled }),
    };
    if (how === 'settled') write(reservation);
    else this.#tools.agenda.at(1e12 + dice.next(), () => write(reservation));
  }
}

/** An end that is known of one attempt says nothing of the others. */
function withoutLatest({ latestUs: _, ...seen }: Seen): Seen {
  return seen;
}

/** Repeated settlements are one: the first that was answered, from the first start on. */
function joined(
  before: RecordedSettlement | undefined,
  next: RecordedSettlement,
  plan: Plan,
): RecordedSettlement {
  if (before === undefined || before.outcome === 'failed') return next;
  if (before.outcome === 'allowed' || next.outcome === 'failed') return before;
  const { invokedUs } = before;
  if (next.outcome === 'allowed') return { ...next, invokedUs };
  const { latestUs: _, ...open } = next;
  const least = (a: RecordedSettlement, b: RecordedSettlement) =>
    plan.policies.length > 1
      ? {
          charges: (a.charges ?? []).map((one, at) => ({
            ...one,
            cost: Math.min(one.cost, b.charges?.[at]?.cost ?? 0),
          })),
        }
      : { cost: Math.min(a.cost, b.cost) };
  return { ...open, invokedUs, ...least(before, next) };
}

function costsOf(dice: Dice, { policies }: Plan, most: number): number[] {
  return policies.map(({ capacityTokens }) => 1 + dice.below(Math.min(most, capacityTokens)));
}

function chargesOf({ policies }: Plan, subject: string, costs: readonly number[]) {
  return policies.map((_, at) => ({ bucket: subject, cost: costs[at] as number, policy: `p${at}` }));
}

function operation(
  plan: Plan,
  { subject, costs, seen }: { subject: string; costs: readonly number[]; seen: Seen },
): Omit<Operation, 'index'> {
  const { answer: _, ...interval } = seen;
  const charges = plan.policies.length > 1 ? { charges: chargesOf(plan, subject, costs) } : {};
  const who = { bucket: subject, user: subject, region: 'r', process: 0 };
  return { type: 'op', ...who, cost: costs[0] as number, ...interval, ...charges };
}

function stepOf(
  plan: Plan,
  { subject, costs, seen }: { subject: string; costs: readonly number[]; seen: Seen },
): RecordedExtension {
  const { answer: _, ...interval } = seen;
  const cost = costs[0] as number;
  return { ...interval, cost, ...(plan.policies.length > 1 && { charges: chargesOf(plan, subject, costs) }) };
}

const nameOf = ({ decisionId, cost }: Omit<Operation, 'index'>) => `${decisionId} ${Math.sign(cost)}`;

/** Whether anything of an operation can happen then or later. */
function mayBeAfter({ completedUs, settled, extended, expiresUs }: Omit<Operation, 'index'>, us: number) {
  const hasSteps = settled !== undefined || extended !== undefined || expiresUs !== undefined;
  return completedUs === null || completedUs >= us || hasSteps;
}

function headerOf({ policies, clock, recording }: Plan): Header {
  const written = policies.map(({ capacityTokens, refill }) => ({ capacity: capacityTokens, refill }));
  const [policy] = written as [(typeof written)[0]];
  return {
    ...{ type: 'header', format: 'openclaw-history', version: 1, strategy: 'central', scenario: '' },
    ...(written.length > 1
      ? { policies: Object.fromEntries(written.map((one, at) => [`p${at}`, one])) }
      : { policy }),
    ...{ seed: 0, regions: [], startedAt: '' },
    initial: recording === 'in mid-traffic' ? 'unknown' : 'full',
    ...(clock.kind !== 'read' && { clocks: clock.kind }),
  };
}
