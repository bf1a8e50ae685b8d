import type { LineFields } from '../lines.ts';
import { parameterNames, parameterOf } from './query.ts';

/** The named values of a line of text, and the parameters of the address in its `request`. */
export class TextLine implements LineFields {
  readonly #values: ReadonlyMap<string, string>;

  constructor(names: readonly string[], values: readonly string[]) {
    this.#values = new Map(names.map((name, at) => [name, values[at] ?? '']));
  }

  textOf(field: string): string | undefined {
    return this.#values.get(field) ?? parameterOf(this.#address(), field);
  }

  names(): readonly string[] {
    return [...this.#values.keys(), ...parameterNames(this.#address())];
  }

  /** The part between method and protocol of a `request` like `GET /search?user=ada HTTP/1.1`. */
  #address(): string {
    return /^\S+ (.*?)(?: \S+)?$/s.exec(this.#values.get('request') ?? '')?.[1] ?? '';
  }
}
