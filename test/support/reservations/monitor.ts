import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';

/** A script that a server ran, with what it wrote: text has a character for each byte. */
export interface ScriptRun {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly writes: readonly (readonly [key: string, value: string])[];
}

/**
 * Reads, by MONITOR, every script that a server runs, in the order in which it runs them. `names` are those of scripts by
 * SHA-1, to which it adds: a server that is promoted again has scripts from before.
 */
export async function monitorScripts(
  port: number,
  names: Map<string, string>,
  onRun: (run: ScriptRun) => void,
): Promise<{ stop(): Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const runs = new Runs(names, onRun);
  const probes = new EventEmitter();
  let rest = '';
  socket.setEncoding('latin1');
  socket.write('MONITOR\r\n');
  await once(socket, 'data');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (runs.read(line)) probes.emit('read');
  });
  socket.on('close', () => probes.emit('read'));
  /** Waits until all that the server did before has been read, or the server is gone. */
  const probe = async () => {
    if (socket.closed) return;
    const read = once(probes, 'read');
    const client = connect(port, '127.0.0.1');
    client.on('error', () => probes.emit('read'));
    client.end(`*2\r\n$4\r\nECHO\r\n$${PROBE.length}\r\n${PROBE}\r\n`);
    client.resume(); // to its end
    await read;
  };
  await probe();
  return {
    /** A script after which the server was killed is not judged: some of its writes may not have been told. */
    async stop() {
      await probe();
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  };
}

const PROBE = '"probe"';

const LINE = /^\+([\d.]+) \[\d+ ([^\]]*)\] (.*)$/s;

/** Joins the line of a script with those of its commands, which follow it. */
class Runs {
  readonly #names: Map<string, string>;
  readonly #onRun: (run: ScriptRun) => void;
  #open:
    | { script: string; keys: string[]; args: string[]; writes: [string, string][]; ran: boolean }
    | undefined;

  /** The numbers of reservations, which scripts were given as text. */
  readonly #numbers = new Set<number>();

  /** Whether the server escapes quotes and backslashes, as Redis does and Valkey 8.1 does not. */
  #isEscaped = true;

  constructor(names: Map<string, string>, onRun: (run: ScriptRun) => void) {
    this.#names = names;
    this.#onRun = onRun;
  }

  /** Whether the line is that of the probe. */
  read(line: string): boolean {
    if (line.endsWith(`"ECHO" "${PROBE}"`)) this.#isEscaped = false;
    if (line.includes('"ECHO"')) {
      this.#end();
      return true;
    }
    const [, seconds, from, text = ''] = LINE.exec(line) ?? [];
    if (from === undefined) return false;
    const known = { atUs: 1e6 * Number(seconds), numbers: this.#numbers };
    this.#readCommand(from, this.#isEscaped ? wordsOf(text) : plainWordsOf(text, known));
    return false;
  }

  #readCommand(from: string, words: readonly string[]): void {
    const command = words[0]?.toUpperCase();
    if (from === 'lua') {
      if (this.#open === undefined) return;
      this.#open.ran = true; // a script that was refused runs no command
      const [, key = ''] = words;
      if (command === 'SET') this.#open.writes.push([key, words[2] ?? '']);
      if (command === 'PSETEX') this.#open.writes.push([key, words[3] ?? '']);
      return;
    }
    this.#end();
    if (command !== 'EVALSHA' && command !== 'EVAL') return;
    const script = command === 'EVAL' ? this.#learn(words[1] ?? '') : this.#names.get(words[1] ?? '');
    if (script === undefined) return; // not loaded: the server answers NOSCRIPT
    const count = Number(words[2]);
    for (const word of words.slice(3 + count)) this.#numbers.add(Number(word));
    this.#open = {
      script,
      keys: words.slice(3, 3 + count),
      args: words.slice(3 + count),
      writes: [],
      ran: false,
    };
  }

  #end(): void {
    const run = this.#open;
    this.#open = undefined;
    if (run?.ran) this.#onRun(run);
  }

  #learn(source: string): string {
    const name = /^#!lua[^\n]*\n--\[\[\n([a-z-]+):/.exec(source)?.[1] ?? 'unknown';
    this.#names.set(createHash('sha1').update(source, 'latin1').digest('hex'), name);
    return name;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

/** The quoted words of a line of MONITOR. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, word = '']) =>
    word.replace(/\\(x[0-9a-f]{2}|.)/gs, (_, code: string) => byteOf(code) ?? code),
  );
}

/** What a reader of a value knows: when the server ran the script, and numbers that may be in the value. */
interface Known {
  readonly atUs: number;
  readonly numbers: ReadonlySet<number>;
}

/** The same where quotes and backslashes stand as they are. A word after the key of a bucket or record may be its value. */
export function plainWordsOf(text: string, known: Known): string[] {
  const [command = '', key = '', ...others] = splitWords(text.slice(1, -1));
  const tail = key.startsWith('{') ? 0 : 1; // a bucket ends with its number of policies
  return [command, key, ...others].map((word) => plainWord(word, tail, known));
}

/** The bytes of a time can be those between two words: what the scripts write as one value stays one. */
function splitWords(text: string): string[] {
  const written = /^(?:(SET)" "([^"]*)|(PSETEX)" "([^"]*)" "(\d+))" "(.*?)(?:" "(KEEPTTL|PX" "\d+))?$/s.exec(
    text,
  );
  return written?.slice(1).filter((word) => word !== undefined) ?? text.split('" "');
}

/**
 * A backslash and an `n` may be two bytes or a line feed. Of all readings that are whole numbers, the one whose times are
 * nearest to that of the script; of a text, the usual one.
 */
function plainWord(word: string, tail: number, known: Known): string {
  const parts = word.split(/(\\x[0-9a-f]{2}|\\[nrtab])/s);
  const doubtful = parts.flatMap((part, i) => (/^\\[nrtab]$/.test(part) ? [i] : []));
  const asBytes = (literal: number) =>
    parts
      .map((part, i) => {
        const isLiteral = i % 2 === 0 || ((literal >> doubtful.indexOf(i)) & 1) === 1;
        return isLiteral ? part : (byteOf(part.slice(1)) ?? part);
      })
      .join('');
  const usual = asBytes(0);
  if (usual.startsWith('#!lua')) return usual;
  let [best, least] = [usual, Number.POSITIVE_INFINITY];
  for (let literal = 0; literal < 2 ** Math.min(doubtful.length, 10); literal++) {
    const read = asBytes(literal);
    const distance = distanceOf(read, tail, known);
    if (distance < least) [best, least] = [read, distance];
  }
  return best;
}

/** How far the times of a value are from the script's, in all; infinite for what is no value. */
function distanceOf(text: string, tail: number, { atUs, numbers }: Known): number {
  const bytes = Buffer.from(text, 'latin1');
  const count = Math.floor(bytes.length / 8);
  if (count === 0 || bytes.length % 8 !== tail) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const value = bytes.readDoubleLE(8 * i);
    if (!Number.isSafeInteger(value) || value < 0) return Number.POSITIVE_INFINITY;
    if (value > 2 ** 40 && !numbers.has(value)) sum += Math.abs(value - atUs);
  }
  return sum;
}

function byteOf(code: string): string | undefined {
  return code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : ESCAPES[code];
}
