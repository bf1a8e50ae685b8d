import { given } from '../../core/given.ts';
import { MOST_QUANTA, makePolicy, type Policy } from '../../core/policy.ts';
import { quoted } from '../../core/printable.ts';
import type { ErrorCounts, FileFacts, FileOrder, History } from '../history.ts';
import { DecisionMachines } from '../parts/decision-machines.ts';
import { type LeftOut, PartFiles } from '../parts/parts.ts';
import { RecordError } from '../records/fields.ts';
import {
  type Charge,
  type ClockReading,
  type End,
  type Event,
  type FaultRecord,
  type Header,
  type HistoryRecord,
  type Operation,
  OUTCOMES,
  type Outcome,
} from '../records/operation.ts';
import { stepsOf, withAdmission } from '../records/reservation.ts';
import { DecisionClock } from './decision-clock.ts';
import { Draft } from './draft.ts';
import { fillDraft, fillStep } from './fill-draft.ts';
import { Interner } from './interner.ts';
import { joinCharges } from './join-charges.ts';
import { joinHeaders } from './join-headers.ts';
import { addEnd, droppedIn, joinSamples, type OpenFile, openFile, withMachine } from './open-file.ts';
import { ReservationAttempts } from './reservation-attempts.ts';
import { isReservationStep } from './reservation-rows.ts';
import { KIND } from './table.ts';
import { TableBuilder } from './table-builder.ts';

const INFO = OUTCOMES.indexOf('info');

/** Builds a history from records. Throws RecordError for a record that contradicts earlier ones. */
export class HistoryBuilder {
  readonly texts = new Interner();
  readonly draft = new Draft();
  readonly #policies: { name: string; policy: Policy }[] = [];
  readonly #policyNumbers = new Map<number, number>();
  readonly #table = new TableBuilder({ texts: this.texts, policies: this.#policies });
  readonly #decisionClock = new DecisionClock();
  readonly #reservationAttempts = new ReservationAttempts();
  readonly #outcomes: Record<Outcome, number> = { allowed: 0, denied: 0, failed: 0, info: 0 };
  readonly #errors: Record<Outcome, Map<number, number>> = {
    ...{ allowed: new Map(), denied: new Map(), failed: new Map(), info: new Map() },
  };
  readonly #clock: ClockReading[] = [];
  readonly #faults: FaultRecord[] = [];
  readonly #events: Event[] = [];
  readonly #files: FileFacts[] = [];
  readonly #orders = new Map<string, FileOrder>();
  readonly #ends: End[] = [];
  readonly #parts = new PartFiles();
  readonly #decisionMachines = new DecisionMachines();
  #chargedTokens = 0;
  #hasDecisionIds = false;
  #hasReservations = false;
  #header: Header | undefined;
  #file: OpenFile | undefined;

  get operations(): number {
    return this.#table.rows;
  }

  /** `isRotated`: a foreign log that another file may continue. */
  startFile(name: string, { isRotated = false }: { isRotated?: boolean } = {}): void {
    this.#file = openFile(name, this.#files.length, isRotated);
  }

  /** Closes the file; `truncatedLine` is the number of an incomplete last line. */
  endFile(truncatedLine?: number): void {
    const { name, operations, part, outcomes, dropped, end, hasHeader, order, isRotated } = this.#open();
    if (!hasHeader) throw new RecordError('the file is empty: a history begins with a header');
    if (end !== undefined) this.#ends.push(end);
    const sent = end === undefined ? {} : { sent: end.sent };
    if (part !== undefined) this.#parts.close(part, { ...sent, outcomes, dropped });
    const mayGoOn = isRotated && truncatedLine === undefined;
    this.#orders.set(name, order.facts({ isEnded: end !== undefined, mayGoOn }));
    this.#files.push({
      name,
      operations,
      ...sent,
      ...(truncatedLine === undefined ? {} : { truncatedLine }),
    });
    this.#file = undefined;
  }

  add(record: HistoryRecord): void {
    const file = this.#open();
    if (record.type !== 'header' && !file.hasHeader)
      throw new RecordError(`the first line must be the header; found a record of type ${record.type}`);
    if (record.type === 'header') this.#addHeader(record, file);
    else if (record.type === 'op') this.#addOperation(record);
    else if (record.type === 'end') addEnd(record, file);
    else this.#addOther(withMachine(record, file), file);
  }

  #addOther(record: ClockReading | FaultRecord | Event, file: OpenFile): void {
    const { part, end } = file;
    if (part !== undefined && end !== undefined)
      throw new RecordError('a record after the end record of a part; its digest does not cover it');
    if (record.type === 'fault') this.#faults.push(record);
    else if (record.type === 'event') {
      this.#events.push(record);
      file.dropped += droppedIn(record);
    } else if (record.source !== 'machine' || part !== undefined) this.#clock.push(record);
    else
      throw new RecordError(
        'a clock reading of source machine in a file that is no part of a run; the header needs part',
      );
  }

  /** Adds the operation in `draft`, with one charge; its policy is still the number of a text. */
  addDraft(): void {
    this.#addDraft(0);
  }

  /** `leftOut`: files of the run that were not read. */
  build(leftOut: readonly LeftOut[] = []): History {
    if (this.#header === undefined) throw new RecordError('there is no file');
    const ended = this.#ends.length === this.#files.length;
    const end: End = {
      type: 'end',
      atUs: this.#ends.reduce((last, { atUs }) => Math.max(last, atUs), 0),
      sent: this.#ends.reduce((sum, { sent }) => sum + sent, 0),
      ...given({ sample: joinSamples(this.#ends) }),
    };
    const parts = this.#parts.build(leftOut);
    return {
      header: this.#header,
      operations: this.#table.build(),
      outcomes: this.#outcomes,
      errors: { failed: this.#countsOf('failed'), info: this.#countsOf('info') },
      clock: this.#clock,
      decisionClock: this.#decisionClock.readings(this.texts),
      bucketsAheadUs: this.#decisionClock.aheadUs,
      faults: this.#faults,
      events: this.#events,
      files: this.#files,
      hasDecisionIds: this.#hasDecisionIds,
      hasReservations: this.#hasReservations,
      orders: this.#orders,
      ...(ended ? { end } : {}),
      ...(parts && { parts }),
    };
  }

  #open(): OpenFile {
    if (this.#file === undefined) throw new Error('no file was started'); // a bug of the caller, not an error of the user
    return this.#file;
  }

  #addHeader(header: Header, file: OpenFile): void {
    if (file.hasHeader) throw new RecordError('a second header in one file');
    file.hasHeader = true;
    this.#parts.add(header, { file: file.name, isFirst: this.#header === undefined });
    if (header.part !== undefined) {
      file.part = header.part;
      file.machine = this.texts.internText(header.part.machine);
    }
    if (this.#header === undefined) {
      this.#addPolicies(header);
      this.#header = header;
      return;
    }
    this.#header = joinHeaders(this.#header, header);
  }

  #addPolicies({ policy, policies = {} }: Header): void {
    const named = Object.entries(policies);
    if (policy !== undefined)
      this.#policies.push({ name: '', policy: makePolicy(policy.capacity, policy.refill) });
    for (const [name, { capacity, refill }] of named) {
      const number = this.#policies.push({ name, policy: makePolicy(capacity, refill) }) - 1;
      this.#policyNumbers.set(this.texts.internText(name), number);
    }
    if (policy !== undefined) this.#policyNumbers.set(-1, 0);
  }

  #addOperation(recorded: Operation): void {
    const operation = withAdmission(recorded);
    const { charges } = operation;
    if (charges === undefined) {
      fillDraft(this.draft, operation, operation, this.texts);
      this.#addDraft(0);
      this.#addSteps(operation, operation);
      return;
    }
    for (const [part, charge] of joinCharges(charges).entries()) {
      fillDraft(this.draft, operation, charge, this.texts);
      this.#addDraft(KIND.multiBucket | (part === 0 ? 0 : KIND.part));
      this.#addSteps(operation, charge);
    }
  }

  /** Adds the later steps of a reservation in one of its buckets. */
  #addSteps(operation: Operation, charge: Charge): void {
    const { settled, extended, expiresUs } = operation;
    if (settled === undefined && extended === undefined && expiresUs === undefined) return;
    this.#hasReservations = true;
    this.#reservationAttempts.add(operation, charge);
    for (const step of stepsOf(operation, charge)) {
      fillStep(this.draft, { operation, charge, step }, this.texts);
      this.#addDraft(KIND.part);
    }
  }

  #addDraft(flags: number): void {
    const { draft } = this;
    const file = this.#open();
    if (!file.hasHeader) throw new RecordError('the first line must be the header; found an operation');
    if (file.part?.kind === 'control')
      throw new RecordError('an operation in a control part; only parts that send load have operations');
    if (file.end !== undefined)
      throw new RecordError('an operation after the end record; the end record must be the last');
    const policy = this.#policyNumbers.get(draft.policy);
    if (policy === undefined) throw this.#noPolicy(draft.policy);
    draft.policy = policy;
    this.#checkCost();
    this.#decisionMachines.add(draft, file.machine, (text) => this.texts.textOf(text));
    if ((flags & KIND.part) === 0) {
      if (!file.indices.add(draft.index))
        throw new RecordError(`index ${draft.index} is a duplicate; it must be unique within a file`);
      file.operations++;
      const outcome = OUTCOMES[draft.outcome] as Outcome;
      this.#outcomes[outcome]++;
      file.outcomes[outcome]++;
      const errors = this.#errors[outcome];
      if (draft.error >= 0) errors.set(draft.error, (errors.get(draft.error) ?? 0) + 1);
      if (draft.decisionId >= 0) this.#hasDecisionIds = true;
      if (draft.isShared) this.#decisionClock.add(draft, file.machine);
    }
    if (!isReservationStep(flags))
      file.order.add(draft.invokedUs, draft.outcome === INFO ? Number.NaN : draft.completedUs);
    this.#table.add(draft, file, flags);
  }

  /** Keeps the sums of the checkers exact: the quanta of one admission, and the tokens of all operations. */
  #checkCost(): void {
    const { costTokens, maxChargeTokens, outcome, policy } = this.draft;
    const perToken = this.#policies[policy]?.policy.quantaPerToken ?? 1;
    if (outcome === KIND.allowed && costTokens * perToken > MOST_QUANTA)
      throw new RecordError(
        `an admitted operation must cost at most ${Math.floor(MOST_QUANTA / perToken)} tokens under its policy, ` +
          `which is 2^52 quanta (cost * perUs in lowest terms); found ${costTokens}; use a larger unit for cost and capacity`,
      );
    this.#chargedTokens += Math.abs(costTokens);
    if (maxChargeTokens > 0) this.#chargedTokens += maxChargeTokens;
    if (this.#chargedTokens > Number.MAX_SAFE_INTEGER)
      throw new RecordError(
        'the total cost of all operations must be below 2^53 tokens; use a larger unit for cost and capacity',
      );
  }

  #countsOf(outcome: Outcome): ErrorCounts {
    const counts = [...this.#errors[outcome]].sort(([, a], [, b]) => b - a);
    return Object.fromEntries(counts.map(([text, count]) => [this.texts.textOf(text), count]));
  }

  #noPolicy(text: number): RecordError {
    return new RecordError(
      text < 0
        ? 'the operation has no policy, but the header has only named policies'
        : `the header has no policy named ${quoted(this.texts.textOf(text))}`,
    );
  }
}
