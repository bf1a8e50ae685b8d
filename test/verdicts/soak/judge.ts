import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { CheckReport } from '../../../src/checker/check.ts';
import type { Environment } from '../../../src/cli/process/environment.ts';
import { callInProcess } from '../../support/in-process.ts';
import type { SimulatedHistory } from './history.ts';

/** What the program says of a history, or why it refuses it. */
export interface Judgement {
  readonly report?: Pick<
    CheckReport,
    'verdict' | 'claims' | 'overAdmission' | 'falseDenials' | 'contested' | 'outcomes' | 'accounts'
  > & {
    readonly assumptions?: readonly string[];
  };
  readonly refusal?: string;
}

/** The parts of a built program that judge. */
export interface Program {
  readonly HistoryReader: typeof import('../../../src/history/reader.ts').HistoryReader;
  readonly judgeHistory: typeof import('../../../src/checker/judge-history.ts').judgeHistory;
  readonly runTyped: typeof import('../../../src/cli/program.ts').runTyped;
}

/** Loads the program that was built in `root`: this one, or another to compare with. */
export async function loadProgram(root: string): Promise<Program> {
  const load = async (file: string) => import(pathToFileURL(join(root, 'dist', file)).href);
  const [reader, judging, program] = await Promise.all(
    ['history/reader.js', 'checker/judge-history.js', 'cli/program.js'].map(load),
  );
  return { ...reader, ...judging, ...program };
}

/** Our own format by the library, what others wrote by `check`, with its defaults. */
export async function judge(program: Program, history: SimulatedHistory): Promise<Judgement> {
  try {
    return history.args === undefined
      ? judgeOwn(program, history)
      : await judgeForeign(program, history, history.args);
  } catch (error) {
    return { refusal: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function judgeOwn({ HistoryReader, judgeHistory }: Program, { files, promise }: SimulatedHistory): Judgement {
  const reader = new HistoryReader();
  for (const { name, text } of files) {
    reader.startFile(name);
    reader.push(new TextEncoder().encode(text));
    reader.endFile();
  }
  return { report: judgeHistory(reader.finish(), { promise }) };
}

async function judgeForeign(
  { runTyped }: Program,
  { files }: SimulatedHistory,
  args: readonly string[],
): Promise<Judgement> {
  const paths = files.length === 1 ? ['-'] : files.map(({ name }) => join(folderOfProcess(), name));
  if (files.length > 1)
    for (const [at, { text }] of files.entries()) writeFileSync(paths[at] as string, text);
  const written = { out: '', log: '', code: 0 };
  const input = Buffer.from(files[0]?.text ?? '');
  await runTyped(environmentOf(['check', ...paths, ...args, '--json'], input, written));
  if (written.out === '') return { refusal: `exit code ${written.code}: ${written.log}` };
  return { report: JSON.parse(written.out) };
}

let folder: string | undefined;

/** One for all histories: to make and remove one for each takes longer than to judge. */
function folderOfProcess(): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'openclaw-rl-soak-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}

function environmentOf(
  commandLine: readonly string[],
  input: Buffer,
  written: { out: string; log: string; code: number },
): Environment {
  return {
    env: { NO_COLOR: '1' },
    self: [process.execPath],
    commandLine,
    cwd: tmpdir(),
    stdin: Readable.from([input]),
    ...callInProcess({
      out: (text) => {
        written.out += text;
      },
      log: (text) => {
        written.log += text;
      },
      setExitCode: (code) => {
        written.code = code;
      },
    }),
  };
}
