import { DraftStated } from './stated.ts';

/**
 * One operation on its way into a table. It has only numbers and is reused, so that reading ten million operations makes
 * no garbage. Texts are numbers of the table's interner; NaN and -1 mean absent.
 */
export class Draft {
  index = 0;
  bucket = -1;
  policy = -1;
  region = -1;
  instance = -1;
  /** Index in OUTCOMES. */
  outcome = -1;
  costTokens = 1;
  maxChargeTokens = Number.NaN;
  invokedUs = Number.NaN;
  /** NaN in a closed load. */
  intendedUs = Number.NaN;
  completedUs = Number.NaN;
  latestUs = Number.NaN;
  decisionId = -1;
  error = -1;
  node = -1;
  atUs = Number.NaN;
  bucketUs = Number.NaN;
  levelQuanta = Number.NaN;
  /** Whether `levelQuanta` is the level of the shared bucket, not of a lease or of a share. */
  isShared = false;
  /** Whether a failure policy decided instead of the shared bucket. */
  isFallback = false;
  /** Whether the decision certainly does not charge the shared bucket; only for a failure policy. */
  isUncharged = false;
  /** Decided from a lease of its node: the node is known, the level is not. */
  isLent = false;
  /** Whether it is what a reservation gives back when it expires. */
  isExpiry = false;
  readonly stated = new DraftStated();

  clear(): void {
    this.index = -1;
    this.bucket = -1;
    this.policy = -1;
    this.region = -1;
    this.instance = -1;
    this.outcome = -1;
    this.costTokens = 1;
    this.maxChargeTokens = Number.NaN;
    this.invokedUs = Number.NaN;
    this.intendedUs = Number.NaN;
    this.completedUs = Number.NaN;
    this.latestUs = Number.NaN;
    this.decisionId = -1;
    this.error = -1;
    this.clearDecision();
    this.stated.clear();
  }

  clearDecision(): void {
    this.node = -1;
    this.atUs = Number.NaN;
    this.bucketUs = Number.NaN;
    this.levelQuanta = Number.NaN;
    this.isShared = false;
    this.isFallback = false;
    this.isUncharged = false;
    this.isLent = false;
    this.isExpiry = false;
  }
}
