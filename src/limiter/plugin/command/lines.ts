import { StringDecoder } from 'node:string_decoder';

/** Splits bytes into lines of UTF-8. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #longest: number;
  #begun = '';

  /** `longest` in characters. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The lines that end in these bytes. Throws RangeError for a line that is too long, ended or not. */
  add(bytes: Buffer): string[] {
    const parts = (this.#begun + this.#decoder.write(bytes)).split('\n');
    this.#begun = parts.pop() ?? '';
    const long = [...parts, this.#begun].find(({ length }) => length > this.#longest);
    if (long !== undefined) throw new RangeError(`a line has more than ${this.#longest} characters`);
    return parts;
  }
}
