import type { WriteStream } from 'node:tty';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal that can be redrawn. */
export interface Terminal {
  write(text: string): void;
  /** The current size; 80 x 24 if the terminal does not report it. */
  size(): TerminalSize;
  /** Calls back at each change of the size, until the returned function is called. */
  onResize(callBack: () => void): () => void;
  readonly colour: boolean;
}

/** The terminal of a stream; undefined if there is none, or if it cannot be redrawn (TERM=dumb). */
export function openTerminal(
  stream: WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal | undefined {
  if (stream.isTTY !== true || env.TERM === 'dumb') return undefined;
  return {
    write: (text) => void stream.write(text),
    size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
    onResize(callBack) {
      stream.on('resize', callBack);
      return () => void stream.off('resize', callBack);
    },
    colour: (env.NO_COLOR ?? '') === '',
  };
}
