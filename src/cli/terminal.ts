import type { WriteStream } from 'node:tty';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal that can be redrawn. */
export interface Terminal {
  write(text: string): void;
  /** Now; a terminal that does not tell is taken for 80 x 24. */
  size(): TerminalSize;
  /** Calls back at each change of the size until the function it gives is called. */
  onResize(callBack: () => void): () => void;
  readonly colour: boolean;
}

/** What a stream is shown on; undefined where that is no terminal, or one that cannot be redrawn (TERM=dumb). */
export function terminalOf(
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
