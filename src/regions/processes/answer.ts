import type { OpenclawError } from '../../core/errors.ts';

/** The messages of a child process to its parent, one line of JSON per member. */
export interface Answer {
  /** The process is ready: the URL where it listens, or the guarantee of its plug-in and what that says about itself. */
  readonly ready?: { readonly address?: string; readonly promise?: string; readonly about?: unknown };
  /** The plug-in cannot be used. The text is printable. */
  readonly refused?: Pick<OpenclawError, 'code' | 'message' | 'hint'>;
}

/** The environment variable that holds the number of the file descriptor for answers. */
export const ANSWER_FD = 'OPENCLAW_RL_ANSWER';

/** Reads the answers in a text. Ignores other lines, an incomplete last line and broken JSON. */
export function parseAnswer(text: string): Answer {
  const lines = text.split('\n').slice(0, -1);
  return Object.assign({}, ...lines.filter((line) => /^\{"(ready|refused)":\{/.test(line)).map(parsed));
}

function parsed(line: string): Answer {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // a plug-in may write to any descriptor
  }
}
