import ansiEscapes from 'ansi-escapes';
import cliTruncate from 'cli-truncate';
import type { TerminalSize } from './terminal.ts';

/**
 * What to write so that a terminal that shows `before` shows `lines` instead: in one piece, between the marks of
 * synchronized output, the changed rows only. `before` is undefined for one whose content is not known. The cursor is
 * left in the upper left corner, where what is typed meanwhile scrolls nothing. A row is a column short of the width,
 * since terminals differ in what they do after the last one; a wide character at the cut takes one column more.
 */
export function patchFrame(before: Frame | undefined, lines: readonly string[], size: TerminalSize): Frame {
  const rows = lines.slice(0, size.rows).map((line) => cliTruncate(line, Math.max(1, size.columns - 2)));
  const known = before?.rows ?? [];
  const changed = Array.from({ length: Math.max(rows.length, known.length) }, (_, at) => at).filter(
    (at) => (rows[at] ?? '') !== (known[at] ?? ''),
  );
  const patch = [
    before === undefined ? ansiEscapes.clearViewport : '',
    ...changed.map((at) => ansiEscapes.cursorTo(0, at) + (rows[at] ?? '') + ansiEscapes.eraseEndLine),
  ].join('');
  const home = ansiEscapes.cursorTo(0, 0);
  return {
    rows,
    patch:
      patch === ''
        ? ''
        : ansiEscapes.beginSynchronizedOutput + patch + home + ansiEscapes.endSynchronizedOutput,
  };
}

export interface Frame {
  readonly rows: readonly string[];
  /** What to write; empty where nothing has changed. */
  readonly patch: string;
}
