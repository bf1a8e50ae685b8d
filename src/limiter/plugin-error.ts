import { fork } from 'node:child_process';
import { statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { OpenclawError } from '../core/errors.ts';
import { pluginName } from '../core/plugin-name.ts';

/** An error about the plug-in itself: the way out is in its file. */
export function refused(file: string, what: string, cause?: unknown): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `${pluginName(file)} ${what}`, {
    cause,
    hint: `see "A limiter of your own" in the README; the file is ${file}`,
  });
}

/**
 * What `refused` made in another process of ours, as that wrote it into its log; undefined where it did not. What the
 * plug-in wrote before may stand in the same line.
 */
export function refusalIn(log: string): OpenclawError | undefined {
  const [, message, hint] = /error: (plugin:.+)\n {2}(.+) \[INVALID_OPTION\]$/m.exec(log) ?? [];
  return message === undefined || hint === undefined
    ? undefined
    : new OpenclawError('INVALID_OPTION', message, { hint });
}

/** What was thrown, as one line: it may be anything. */
export function messageOf(error: unknown): string {
  try {
    const said = String(error instanceof Error ? error.message : error);
    return said.split('\n', 1)[0]?.slice(0, 200) ?? '';
  } catch {
    return 'what has no text';
  }
}

/** An error of the import of a plug-in, with what to do about it where that is known. */
export async function notLoaded(file: string, error: unknown): Promise<OpenclawError> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    return refused(file, 'is a folder: name the file in it that exports createLimiter', error);
  return refused(file, `cannot be loaded: ${messageOf(error)}${await adviceOn(file, error)}`, error);
}

async function adviceOn(file: string, error: unknown): Promise<string> {
  const { code, stack } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return ': compile it to JavaScript first';
  if (!(error instanceof SyntaxError)) return '';
  const place = placeIn(stack ?? '') ?? placeIn(await syntaxErrorOf(file));
  return place === undefined ? '' : ` (${place})`;
}

/** V8 writes it above the line of source that it shows. */
function placeIn(shown: string): string | undefined {
  return /^(?:file:\/\/)?(\/.+:\d+)$/m.exec(shown)?.[1];
}

/** The error of an import has no place where a module does not compile; Node prints it. */
async function syntaxErrorOf(file: string): Promise<string> {
  const { stderr } = fork(file, { execArgv: ['--check'], silent: true });
  return stderr === null ? '' : text(stderr); // nothing where it is in a module that this one imports
}

/** An error that nothing caught, in a process where this plug-in runs. */
export function uncaught(file: string, error: unknown): OpenclawError {
  const line = Number.parseInt(stackOf(error).split(`${pathToFileURL(file)}:`)[1] ?? '', 10);
  const where = Number.isNaN(line) ? '' : ` (line ${line})`;
  return refused(file, `threw what nothing catches: ${messageOf(error)}${where}`, error);
}

/** Whether the plug-in's own code stands in the stack of an error. */
export function isThrownBy(file: string, error: unknown): boolean {
  return stackOf(error).includes(pathToFileURL(file).href);
}

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || '';
}
