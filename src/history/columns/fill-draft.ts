import { hasSharedBucket } from '../../core/strategies.ts';
import { type Charge, type Operation, OUTCOMES, type Stated } from '../records/operation.ts';
import type { ReservationStep } from '../records/reservation.ts';
import type { Draft } from './draft.ts';
import type { Interner } from './interner.ts';
import { type DraftStated, STATED_FIELDS } from './stated.ts';

/** Puts one charge of a parsed operation into a draft, as the scanner does; its policy is still the number of a text. */
export function fillDraft(draft: Draft, operation: Operation, charge: Charge, texts: Interner): void {
  const { decision, region } = operation;
  const numberOf = (text: string | undefined) => (text === undefined ? -1 : texts.internText(text));
  const nameOf = (text: string) => (text === '' ? -1 : texts.internText(text)); // an empty text is no name
  draft.clear();
  draft.index = operation.index;
  draft.bucket = texts.internText(charge.bucket);
  draft.policy = numberOf(charge.policy);
  draft.region = nameOf(region);
  draft.instance = nameOf(operation.instance ?? '');
  draft.outcome = OUTCOMES.indexOf(operation.outcome);
  draft.costTokens = charge.cost;
  draft.maxChargeTokens = operation.maxCharge ?? Number.NaN;
  draft.invokedUs = operation.invokedUs;
  draft.intendedUs = operation.intendedUs ?? Number.NaN;
  draft.completedUs = operation.completedUs ?? Number.NaN;
  draft.latestUs = operation.latestUs ?? Number.NaN;
  draft.decisionId = numberOf(operation.decisionId);
  draft.error = numberOf(operation.error);
  if (operation.stated !== undefined && operation.charges === undefined)
    fillStated(draft.stated, operation.stated); // of several buckets it is unknown whose values they are
  if (decision === undefined) return;
  draft.node = nameOf(decision.node);
  draft.atUs = decision.atUs ?? Number.NaN;
  draft.bucketUs = decision.bucketUs ?? Number.NaN;
  draft.isFallback = decision.source === 'fallback';
  draft.isUncharged = decision.charge === 'none';
  draft.isLent = decision.source === 'lease';
  const hasLevel = operation.charges === undefined && !draft.isLent;
  draft.levelQuanta = hasLevel ? (decision.levelQuanta ?? Number.NaN) : Number.NaN;
  draft.isShared = decision.source === 'redis' && hasSharedBucket(decision.strategy);
}

/** Puts a later step of a reservation into a draft. It has no level: an answer that is repeated may be an old one. */
export function fillStep(
  draft: Draft,
  { operation, charge, step }: { operation: Operation; charge: Charge; step: ReservationStep },
  texts: Interner,
): void {
  const { decisionId, ...take } = operation;
  const id = decisionId === undefined ? {} : { decisionId: `${decisionId}\0${step.name}` };
  fillDraft(draft, { ...take, ...id }, charge, texts);
  draft.outcome = OUTCOMES.indexOf(step.outcome);
  draft.costTokens = step.cost;
  draft.maxChargeTokens = Number.NaN;
  draft.invokedUs = step.invokedUs;
  draft.intendedUs = Number.NaN;
  draft.completedUs = step.outcome === 'info' ? Number.NaN : step.lastUs;
  draft.latestUs = step.outcome === 'info' ? step.lastUs : Number.NaN;
  draft.error = -1;
  draft.clearDecision();
  draft.isExpiry = step.name === 'expire';
  draft.stated.clear();
}

function fillStated(draft: DraftStated, stated: Stated): void {
  for (let field = 0; field < STATED_FIELDS.length; field++) {
    const value = stated[STATED_FIELDS[field] as (typeof STATED_FIELDS)[number]];
    if (value !== undefined) draft.set(field, value);
  }
  draft.setForm(stated.resetForm);
}
