// What the steps share. They run before anything is installed beside them, so they have no packages.
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/** The exit code of wrong usage. */
export const USAGE = 64;

/** What the exit code of a run or a gate says of the limiter. */
export const VERDICTS = { 0: 'pass', 1: 'fail', 2: 'unknown', 3: 'slow' };

const env = (name) => process.env[name] ?? '';

/** An input, without white space around it. */
export const input = (name) => env(name).trim();

/** The lines of an input that are not empty. */
export const lines = (name) =>
  env(name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Sets an output of the step. Its value is one line. */
export function output(name, value) {
  if (/[\r\n]/.test(value)) throw new Error(`the output ${name} has a line break`);
  appendFileSync(env('GITHUB_OUTPUT'), `${name}=${value}\n`);
}

/** An annotation, escaped as actions/toolkit escapes it. */
export function annotate(level, message) {
  const text = message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  process.stdout.write(`::${level} title=openclaw-rl::${text}\n`);
}

/** Runs openclaw-rl to its end. */
export function program(args, options = {}) {
  const {
    status,
    error,
    stdout = '',
    stderr = '',
  } = spawnSync(env('PROGRAM'), args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (error !== undefined) throw error;
  return { code: status ?? 70, stdout, stderr };
}

/** The same with what it prints, and nothing of it for GitHub. */
export const ask = (args) =>
  program(args, {
    stdio: 'pipe',
    env: { ...process.env, GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '', NO_COLOR: '1' },
  });
