/** A member of a structured-field list or dictionary: `name;parameter=value`, or `name=value`. */
export interface Member {
  /** The text of the item, without quotation marks; of a dictionary its key. */
  readonly name: string;
  /** Of a dictionary. */
  readonly value?: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const SPACE = /[ \t]*/y;
const BARE = /"(?:[^"\\]|\\.)*"|:[A-Za-z0-9+/=]*:|[^\s",;=:][^\s",;=]*/y;

/**
 * The members of a header like RateLimit: a structured field (RFC 9651), also with spaces before parameters, which some
 * libraries write. Undefined for any other text.
 */
export function readMembers(text: string): readonly Member[] | undefined {
  const scan = new Scan(text);
  const members: Member[] = [];
  do {
    const name = scan.bare();
    if (name === undefined) return undefined;
    const value = scan.take('=') ? scan.bare() : null;
    const parameters = readParameters(scan);
    if (value === undefined || parameters === undefined) return undefined;
    members.push(value === null ? { name, parameters } : { name, value, parameters });
  } while (scan.take(','));
  return scan.isAtEnd() ? members : undefined;
}

/** A parameter that occurs twice has its last value, as RFC 9651 says. */
function readParameters(scan: Scan): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  while (scan.take(';')) {
    const name = scan.bare();
    const value = scan.take('=') ? scan.bare() : '';
    if (name === undefined || value === undefined) return undefined;
    parameters.set(name, value);
  }
  return parameters;
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(character: string): boolean {
    this.#skip(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** The next bare item, without the marks around it; undefined if there is none. */
  bare(): string | undefined {
    this.#skip(SPACE);
    const found = this.#skip(BARE);
    if (found === '') return undefined;
    return found.startsWith('"') || found.startsWith(':') ? found.slice(1, -1) : found;
  }

  isAtEnd(): boolean {
    this.#skip(SPACE);
    return this.#at === this.#text.length;
  }

  #skip(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const [found = ''] = expression.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }
}
