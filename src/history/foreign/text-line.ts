import type { LineFields } from './lines.ts';
import { parameterNames, parameterOf } from './query.ts';

/** The values of a line of text by their names, and the parameters of the address in its `request`. */
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

  /** `GET /search?user=ada HTTP/1.1` has what stands between the method and the protocol. */
  #address(): string {
    return /^\S+ (.*?)(?: \S+)?$/s.exec(this.#values.get('request') ?? '')?.[1] ?? '';
  }
}
