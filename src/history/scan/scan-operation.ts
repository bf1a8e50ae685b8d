import { hasSharedBucket, STRATEGY_NAMES } from '../../core/strategies.ts';
import type { Draft } from '../columns/draft.ts';
import type { Interner } from '../columns/interner.ts';
import { STATED, STATED_FIELDS } from '../columns/stated.ts';
import { OUTCOMES } from '../records/operation.ts';
import { ByteScanner, KeySet } from './byte-scanner.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

const OPERATION_KEYS = [
  ...['type', 'index', 'bucket', 'user', 'region', 'process', 'cost', 'invokedUs', 'completedUs', 'outcome'],
  ...['status', 'error', 'policy', 'maxCharge', 'latestUs', 'decisionId', 'decision', 'intendedUs', 'stated'],
  'instance',
];
const DECISION_KEYS = ['strategy', 'node', 'source', 'atUs', 'bucketUs', 'level', 'ageUs', 'charge'];
const STATED_KEYS = [...STATED_FIELDS, 'resetForm'];
const OUTCOME_BYTES = OUTCOMES.map(bytesOf);
const INFO = OUTCOMES.indexOf('info');
const OP = bytesOf('op');
const NULL = bytesOf('null');
const REDIS = bytesOf('redis');
const LEASE = bytesOf('lease');
const FALLBACK = bytesOf('fallback');
const NONE = bytesOf('none');
const DELTA = bytesOf('delta');
const ANY = bytesOf('any');
const N = 0x6e;

/**
 * Reads operations as `encodeRecord` writes them from bytes into a draft, without strings or objects. It is several
 * times as fast as JSON.parse, and strict: lines with spaces, escapes, fractions, unknown fields or `charges` are left
 * to JSON.parse, which also gives every error message.
 */
export class OperationScanner extends ByteScanner {
  readonly #texts: Interner;
  /** Strategies without a shared bucket. */
  readonly #notShared: ReadonlySet<number>;
  readonly #operationKeys = new KeySet(OPERATION_KEYS);
  readonly #decisionKeys = new KeySet(DECISION_KEYS);
  readonly #statedKeys = new KeySet(STATED_KEYS);
  readonly #readField = (key: string) => this.#field(key);
  readonly #readDecisionField = (key: string) => this.#decisionField(key);
  readonly #readStatedField = (key: string) => this.#statedField(key);
  #draft: Draft;
  #isOperation = false;
  #strategy = -1;

  constructor(texts: Interner, draft: Draft) {
    super();
    this.#texts = texts;
    this.#draft = draft;
    const names = STRATEGY_NAMES.filter((name) => !hasSharedBucket(name));
    this.#notShared = new Set(names.map((name) => texts.internText(name)));
  }

  /** Fills the draft and gives true; after false the draft is undefined. */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    this.start(bytes, start, end);
    this.#draft.clear();
    this.#isOperation = false;
    const isRead = this.object(this.#operationKeys, this.#readField);
    if (!(isRead && this.isAtEnd() && this.#isOperation && isPlain(this.#draft) && this.isText()))
      return false;
    if (this.#draft.outcome === INFO) this.#draft.completedUs = Number.NaN; // no reply that settles the charge
    return true;
  }

  #field(key: string): boolean {
    const draft = this.#draft;
    switch (key) {
      case 'type':
        this.#isOperation = this.string() && this.is(OP);
        return this.#isOperation;
      case 'index':
        draft.index = this.integer();
        return draft.index >= 0 && draft.index < 2 ** 32;
      case 'bucket':
        draft.bucket = this.#text();
        return draft.bucket >= 0 && this.from < this.to;
      case 'user':
        return this.string();
      case 'region':
        draft.region = this.#text();
        if (draft.region < 0) return false;
        if (this.from === this.to) draft.region = -1; // no name is no region
        return true;
      case 'process':
      case 'status':
        return !Number.isNaN(this.integer());
      case 'cost':
        draft.costTokens = this.integer();
        return Math.abs(draft.costTokens) < 2 ** 31;
      case 'invokedUs':
        draft.invokedUs = this.integer();
        return !Number.isNaN(draft.invokedUs);
      case 'completedUs':
        return this.#completion();
      case 'outcome':
        return this.#outcome();
      case 'decision':
        return this.#decision();
      case 'stated':
        this.#draft.stated.clear(); // of several, the last counts
        return this.object(this.#statedKeys, this.#readStatedField);
      case 'intendedUs':
        draft.intendedUs = this.integer();
        return !Number.isNaN(draft.intendedUs);
      default:
        return this.#rareField(key);
    }
  }

  #rareField(key: string): boolean {
    const draft = this.#draft;
    switch (key) {
      case 'instance':
        draft.instance = this.#text();
        if (draft.instance < 0) return false;
        if (this.from === this.to) draft.instance = -1; // no name is no instance
        return true;
      case 'error':
        draft.error = this.#text();
        return draft.error >= 0;
      case 'policy':
        draft.policy = this.#text();
        return draft.policy >= 0;
      case 'decisionId':
        draft.decisionId = this.#text();
        return draft.decisionId >= 0;
      case 'maxCharge':
        draft.maxChargeTokens = this.integer();
        return Math.abs(draft.maxChargeTokens) < 2 ** 31;
      case 'latestUs':
        draft.latestUs = this.integer();
        return draft.latestUs >= draft.invokedUs;
      default:
        return false;
    }
  }

  /** Of several completions the last counts, as for JSON.parse, also if it is null. */
  #completion(): boolean {
    const draft = this.#draft;
    if (this.bytes[this.at] === N) {
      draft.completedUs = Number.NaN;
      return this.literal(NULL);
    }
    draft.completedUs = this.integer();
    return !Number.isNaN(draft.completedUs);
  }

  #outcome(): boolean {
    if (!this.string()) return false;
    for (let outcome = 0; outcome < OUTCOME_BYTES.length; outcome++) {
      if (!this.is(OUTCOME_BYTES[outcome] as Uint8Array)) continue;
      this.#draft.outcome = outcome;
      return true;
    }
    return false;
  }

  #decision(): boolean {
    this.#strategy = -1;
    this.#draft.clearDecision(); // of several, the last counts
    if (!this.object(this.#decisionKeys, this.#readDecisionField)) return false;
    this.#draft.isShared &&= !this.#notShared.has(this.#strategy);
    if (this.#draft.isLent) this.#draft.levelQuanta = Number.NaN;
    return true;
  }

  #decisionField(key: string): boolean {
    const draft = this.#draft;
    switch (key) {
      case 'strategy':
        this.#strategy = this.#text();
        return this.#strategy >= 0;
      case 'node':
        draft.node = this.#text();
        if (draft.node < 0) return false;
        if (this.from === this.to) draft.node = -1; // no name is no node
        return true;
      case 'source':
        if (!this.string()) return false;
        draft.isShared = this.is(REDIS);
        draft.isLent = this.is(LEASE);
        draft.isFallback = this.is(FALLBACK);
        return true;
      case 'charge':
        if (!this.string()) return false;
        draft.isUncharged = this.is(NONE);
        return true;
      case 'atUs':
        draft.atUs = this.integer();
        return !Number.isNaN(draft.atUs);
      case 'bucketUs':
        draft.bucketUs = this.integer();
        return !Number.isNaN(draft.bucketUs);
      case 'level':
        draft.levelQuanta = this.quotedInteger();
        return !Number.isNaN(draft.levelQuanta);
      case 'ageUs':
        return !Number.isNaN(this.integer()); // the checker uses the event of its node
      default:
        return false;
    }
  }

  #statedField(key: string): boolean {
    const { stated } = this.#draft;
    if (key === 'resetForm') {
      const isKnown = this.string() && (this.is(DELTA) || this.is(ANY));
      stated.setForm(this.is(DELTA) ? 'delta' : 'any');
      return isKnown;
    }
    const value = this.decimal();
    stated.set(STATED[key as keyof typeof STATED], value);
    return !Number.isNaN(value);
  }

  /** Reads a string and gives its number, or -1. */
  #text(): number {
    return this.string() ? this.#texts.intern(this.bytes, this.from, this.to) : -1;
  }
}

/** Whether all required fields are present and consistent. */
function isPlain({ index, bucket, outcome, invokedUs, intendedUs, completedUs, latestUs }: Draft): boolean {
  if (index < 0 || bucket < 0 || Number.isNaN(invokedUs) || outcome < 0) return false;
  if (latestUs < invokedUs || intendedUs > invokedUs) return false;
  return outcome === INFO || completedUs >= invokedUs;
}
