import ansiEscapes from 'ansi-escapes';
import { printable } from '../core/errors.ts';
import type { Environment } from './environment.ts';
import { type Frame, patchFrame } from './frame.ts';
import type { Terminal, TerminalSize } from './terminal.ts';

/** A view that is redrawn in place, on the alternate screen, until it is closed. */
export interface LiveScreen {
  /** Now, instead of at the next tick. */
  refresh(): void;
  /** Shows what was there before, with what was logged meanwhile below it. A second time it does nothing. */
  close(): void;
}

/** The lines of a view that fit into a size, the most important first. `notes`: what was logged since it opened. */
export type Draw = (size: TerminalSize, notes: readonly string[]) => readonly string[];

const TICK_MS = 250;
/** What is typed meanwhile is echoed into the view: all of it is drawn again at every such tick. */
const WHOLE_EVERY = 20;

const ENTER = ansiEscapes.enterAlternativeScreen + ansiEscapes.cursorHide;
const LEAVE = ansiEscapes.cursorShow + ansiEscapes.exitAlternativeScreen;

/**
 * Opens a view on a terminal. However the program ends, short of SIGKILL, the terminal is as it was: `close` is called
 * at its exit too, and Ctrl-Z (SIGTSTP) leaves the view until SIGCONT.
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
  const onInterrupt = () => redraw(true); // a terminal writes ^C into it
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
