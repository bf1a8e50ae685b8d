import { fork } from 'node:child_process';
import { statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { OpenclawError } from '../../core/errors.ts';
import { isLimiterFile, pluginName } from '../../core/plugin-name.ts';
import { realFile } from './real-file.ts';

/** An error of the plug-in itself; the hint names its file. */
export function refused(file: string, what: string, cause?: unknown): OpenclawError {
  return new OpenclawError('INVALID_OPTION', `${pluginName(file)} ${what}`, {
    cause,
    hint: `see docs/${isLimiterFile(file) ? 'other-languages' : 'plugins'}.md; the file is ${file}`,
  });
}

/** Shorter than a run's timeout for a service to listen. */
export const PLUGIN_START_MS = 10_000;

/** The plug-in has not started within `PLUGIN_START_MS`. */
export function notReady(file: string): OpenclawError {
  const pending = isLimiterFile(file)
    ? 'it has not written {"ready": true}'
    : 'its import or createLimiter is still pending';
  return refused(file, `is not ready after ${PLUGIN_START_MS / 1_000} s: ${pending}`);
}

/** The message of a thrown value of any type, on one line. */
export function messageOf(error: unknown): string {
  try {
    const message = String(error instanceof Error ? error.message : error);
    return message.split('\n', 1)[0]?.slice(0, 200) ?? '';
  } catch {
    return '(error without a message)';
  }
}

/** The error of a plug-in's failed import, with advice if the cause is known. */
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

/** V8 prints file and line above the source line. */
function placeIn(shown: string): string | undefined {
  return /^(?:file:\/\/)?(\/.+:\d+)$/m.exec(shown)?.[1];
}

/** The error of an import lacks file and line of a syntax error; `node --check` prints them. */
async function syntaxErrorOf(file: string): Promise<string> {
  const { stderr } = fork(file, { execArgv: ['--check'], silent: true });
  return stderr === null ? '' : text(stderr); // empty if the error is in an imported module
}

/** What a stack shows after the URL of a module: which copy it is, and the line. */
const AFTER_NAME = /^(?:\?[^:]*)?:(\d+)/;

/** An uncaught error in a process that runs this plug-in. */
export function uncaught(file: string, error: unknown): OpenclawError {
  const stack = stackOf(error);
  const lines = namesOf(file).map((name) => AFTER_NAME.exec(stack.split(name)[1] ?? '')?.[1]);
  const line = lines.find((one) => one !== undefined);
  const where = line === undefined ? '' : ` (line ${line})`;
  return refused(file, `threw an uncaught error: ${messageOf(error)}${where}`, error);
}

/** Whether the stack of an error contains the plug-in's own code. */
export function isThrownBy(file: string, error: unknown): boolean {
  const stack = stackOf(error);
  return namesOf(file).some((name) => stack.includes(name));
}

/** How stacks show the file of a plug-in: by the URL of a module, by the path of one of CommonJS. */
function namesOf(file: string): readonly [string, string] {
  const path = realFile(file);
  return [pathToFileURL(path).href, path];
}

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || '';
}
