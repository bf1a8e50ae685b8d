import ansiEscapes from 'ansi-escapes';
import cliTruncate from 'cli-truncate';
import { printable } from '../../core/printable.ts';
import type { Environment } from '../process/environment.ts';
import type { Terminal, TerminalSize } from '../process/terminal.ts';

/** A view that is redrawn in place, on the alternate screen, until it is closed. */
export interface LiveScreen {
  /** Redraws now, not at the next tick. */
  refresh(): void;
  /** Restores the screen, then prints what was logged meanwhile. Safe to call twice. */
  close(): void;
}

/** The lines of a view that fit a size, the most important first. `notes`: the log lines since it opened. */
export type Draw = (size: TerminalSize, notes: readonly string[]) => readonly string[];

const TICK_MS = 250;
/** Keys are echoed into the view: the whole view is redrawn at every such tick. */
const WHOLE_EVERY = 20;

const ENTER = ansiEscapes.enterAlternativeScreen + ansiEscapes.cursorHide;
const LEAVE = ansiEscapes.cursorShow + ansiEscapes.exitAlternativeScreen;

/**
 * Opens a view on a terminal. `close` also runs at the program's exit, so the terminal is restored after any end but
 * SIGKILL. Ctrl-Z (SIGTSTP) leaves the view until SIGCONT.
 */
export function openLiveScreen(environment: Environment, terminal: Terminal, draw: Draw): LiveScreen {
  const notes: string[] = [];
  let shown: Frame | undefined;
  let ticks = 0;
  let isOpen = true;
  let isAway = false;
  const undivert = environment.divertLog((text) => notes.push(text));

  const redraw = (whole: boolean) => {
    if (!isOpen || isAway) return;
    const size = terminal.size();
    const lines = notes.flatMap((note) => note.split('\n')).filter((line) => line !== '');
    const frame = patchFrame(whole ? undefined : shown, draw(size, lines.map(printable)), size);
    shown = frame;
    if (frame.patch !== '') terminal.write(frame.patch);
  };
  const timer = setInterval(() => redraw(++ticks % WHOLE_EVERY === 0), TICK_MS).unref();
  const offResize = terminal.onResize(() => redraw(true));
  const onInterrupt = () => redraw(true); // the terminal echoes ^C into the view
  environment.interrupt.addEventListener('abort', onInterrupt);
  const offSuspend = environment.onSuspend({
    suspend() {
      isAway = true;
      terminal.write(LEAVE);
    },
    resume() {
      if (isAway) terminal.write(ENTER);
      isAway = false;
      redraw(true);
    },
  });
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(timer);
    offResize();
    offSuspend();
    offExit();
    environment.interrupt.removeEventListener('abort', onInterrupt);
    terminal.write(LEAVE);
    undivert();
    for (const note of notes) environment.log(note);
  };
  const offExit = environment.onExit(close);
  terminal.write(ENTER);
  redraw(true);
  return { refresh: () => redraw(false), close };
}

/**
 * The output that turns a terminal showing `before` into one showing `lines`: only the changed rows, within one
 * synchronized update. `before` is undefined if the content is unknown. The cursor ends in the upper left corner, where
 * typed keys do not scroll. Rows are one column shorter than the terminal, since terminals differ in what they do after
 * the last column; a wide character at the cut takes one more column.
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
  /** The output; empty if nothing has changed. */
  readonly patch: string;
}
