import type { Stated } from '../../history/records/operation.ts';
import { Column } from '../rows/column.ts';

/** What is wrong with a stated value. */
export const LIE_REASONS = [
  'remaining too high',
  'remaining too low',
  'retry too short',
  'retry too long',
  'wrong policy',
  'wrong unit',
  'grows without refill',
] as const;

export type LieReason = (typeof LIE_REASONS)[number];

/** The values that are judged, by the name of their field. */
const STATED_NAMES = [
  'remaining',
  'retryAfterS',
  'retryAtS',
  'reset',
  'limit',
  'windowS',
] as const satisfies readonly (keyof Stated)[];

export type StatedName = (typeof STATED_NAMES)[number];

/**
 * What a lie depends on. `certain`: on the policy alone. `high`: on the highest level, which refunds that are missing from
 * the history raise. `low`: on the lowest, which missing requests lower, or on an earlier statement.
 */
const BASES = ['certain', 'high', 'low'] as const;

export type Basis = (typeof BASES)[number];

/** A stated value that no ideal limiter can have meant. */
export interface Lie {
  readonly row: number;
  readonly reason: LieReason;
  readonly name: StatedName;
  readonly basis: Basis;
  /** The extreme true value, in the unit of the field; NaN where there is none. */
  readonly limit: number;
  /** The moment of that extreme, for a level; otherwise NaN. */
  readonly atUs: number;
  /** The earlier statement that it contradicts, if it grows; otherwise the row itself. */
  readonly since: number;
}

type Columns = Readonly<Record<'rows' | 'reasons' | 'names' | 'bases' | 'limits' | 'atUs' | 'since', Column>>;

/** The lies in one bucket, held as columns: a limiter with a wrong header lies in every reply. */
export class Lies implements Iterable<Lie> {
  /** Allocated for the first lie. */
  #columns: Columns | undefined;

  add({ row, reason, name, basis, limit, atUs = Number.NaN, since = row }: NewLie): void {
    this.#columns ??= {
      rows: new Column(),
      reasons: new Column(),
      names: new Column(),
      bases: new Column(),
      limits: new Column(),
      atUs: new Column(),
      since: new Column(),
    };
    this.#columns.rows.add(row);
    this.#columns.reasons.add(LIE_REASONS.indexOf(reason));
    this.#columns.names.add(STATED_NAMES.indexOf(name));
    this.#columns.bases.add(BASES.indexOf(basis));
    this.#columns.limits.add(limit);
    this.#columns.atUs.add(atUs);
    this.#columns.since.add(since);
  }

  get length(): number {
    return this.#columns?.rows.length ?? 0;
  }

  /** The lies that satisfy the condition, each with the reason that `reasonOf` gives. */
  where(holds: (lie: Lie) => boolean, reasonOf = ({ reason }: Lie): LieReason => reason): Lies {
    const some = new Lies();
    for (const lie of this) if (holds(lie)) some.add({ ...lie, reason: reasonOf(lie) });
    return some;
  }

  *[Symbol.iterator](): Iterator<Lie> {
    for (let at = 0; at < this.length; at++) yield this.#at(at);
  }

  #at(at: number): Lie {
    const { rows, reasons, names, bases, limits, atUs, since } = this.#columns as Columns;
    return {
      row: rows.at(at),
      reason: LIE_REASONS[reasons.at(at)] as LieReason,
      name: STATED_NAMES[names.at(at)] as StatedName,
      basis: BASES[bases.at(at)] as Basis,
      limit: limits.at(at),
      atUs: atUs.at(at),
      since: since.at(at),
    };
  }
}

type NewLie = Omit<Lie, 'atUs' | 'since'> & Partial<Pick<Lie, 'atUs' | 'since'>>;
