import { createHash } from 'node:crypto';
import { once } from 'node:events';
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
  let rest = '';
  socket.setEncoding('latin1');
  socket.write('MONITOR\r\n');
  const started = once(socket, 'data');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) runs.read(line);
  });
  await started;
  return {
    async stop() {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
      runs.end();
    },
  };
}

const LINE = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/s;

/** Joins the line of a script with those of its commands, which follow it. */
class Runs {
  readonly #names: Map<string, string>;
  readonly #onRun: (run: ScriptRun) => void;
  #open:
    | { script: string; keys: string[]; args: string[]; writes: [string, string][]; ran: boolean }
    | undefined;

  constructor(names: Map<string, string>, onRun: (run: ScriptRun) => void) {
    this.#names = names;
    this.#onRun = onRun;
  }

  read(line: string): void {
    const [, from, text = ''] = LINE.exec(line) ?? [];
    if (from === undefined) return; // the reply to MONITOR itself
    const words = wordsOf(text);
    const command = words[0]?.toUpperCase();
    if (from === 'lua') {
      if (this.#open === undefined) return;
      this.#open.ran = true; // a script that was refused runs no command
      if (command === 'SET') this.#open.writes.push([words[1] ?? '', words[2] ?? '']);
      if (command === 'PSETEX') this.#open.writes.push([words[1] ?? '', words[3] ?? '']);
      return;
    }
    this.end();
    if (command !== 'EVALSHA' && command !== 'EVAL') return;
    const script = command === 'EVAL' ? this.#learn(words[1] ?? '') : this.#names.get(words[1] ?? '');
    if (script === undefined) return; // not loaded: the server answers NOSCRIPT
    const count = Number(words[2]);
    this.#open = {
      script,
      keys: words.slice(3, 3 + count),
      args: words.slice(3 + count),
      writes: [],
      ran: false,
    };
  }

  end(): void {
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
    word.replace(/\\(x[0-9a-f]{2}|.)/gs, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
    ),
  );
}
