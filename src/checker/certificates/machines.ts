import type { OperationTable } from '../../history/columns/table.ts';
import type { History } from '../../history/history.ts';
import { allFiles } from '../../history/parts/parts.ts';

/** A bucket became full at this moment of a machine or later. */
export interface Reset {
  readonly atUs: number;
  /** Infinity if its end is not known. */
  readonly untilUs: number;
  readonly machine: number;
}

/** The machines whose clocks the times of a history are of, by number. One recorder is number 0. */
export class Machines {
  readonly names: readonly string[];
  /** The machine whose clock the others have read: the reference of those that no node has in common. */
  readonly base: string;
  readonly #ofFile: ReadonlyMap<string, number>;
  readonly #ofOrigin: number[] = [];
  readonly #table: OperationTable;

  constructor({ operations, clock, parts }: Pick<History, 'operations' | 'clock' | 'parts'>) {
    const files = parts === undefined ? [] : allFiles(parts);
    this.base = clock.find(({ source }) => source === 'machine')?.node ?? files[0]?.machine ?? '';
    this.names = [...new Set([...files.map(({ machine }) => machine), this.base])];
    this.#ofFile = new Map(files.map(({ file, machine }) => [file, this.names.indexOf(machine)]));
    this.#table = operations;
  }

  get areSeveral(): boolean {
    return this.names.length > 1;
  }

  /** The machine of a row. */
  ofRow(row: number): number {
    const origin = this.#table.origins[row] as number;
    this.#ofOrigin[origin] ??= this.#ofFile.get(this.#table.fileOf(origin)) ?? 0;
    return this.#ofOrigin[origin] as number;
  }

  /** The number of a machine by its name; 0 for a record without one. */
  of(name: string | undefined): number {
    return Math.max(0, this.names.indexOf(name ?? ''));
  }
}
