import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { runProgram } from './cli.ts';
import { blocksOn, HISTORY_PAGE } from './doc-blocks.ts';
import { freePort } from './free-port.ts';
import { processesMentioning } from './processes.ts';
import { proved } from './proved.ts';
import { type Command, commandsOf, ROOT, scriptOf } from './readme.ts';

/** Who has a clone, and runs the commands of pages in it, one block after another. */
export interface Newcomer {
  readonly folder: string;
  readonly env: Record<'OPENCLAW_RL_STATE' | 'GITHUB_ACTIONS' | 'GITHUB_STEP_SUMMARY', string>;
  /** The text of every command so far. */
  readonly alreadyRun: ReadonlySet<string>;
  /** Expects the exit codes that the comments say, and that no process is left. */
  runAll(
    commands: readonly Command[],
    more?: Record<string, string>,
  ): Promise<{ readonly stdout: string; readonly stderr: string }>;
  newestReport(): RunReport;
}

/** With the files that these pages show. */
export async function newcomer(pages: readonly string[]): Promise<Newcomer> {
  const withFreePorts = await freePorts();
  const folder = cloneWith(pages, withFreePorts);
  const env = {
    OPENCLAW_RL_STATE: join(folder, 'state'),
    GITHUB_ACTIONS: '',
    GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
  };
  const alreadyRun = new Set<string>();
  return {
    folder,
    env,
    alreadyRun,
    async runAll(commands, more = {}) {
      for (const { text } of commands) alreadyRun.add(text);
      const script = withFreePorts(scriptOf(commands));
      const result = await runUntilDecided(script, { cwd: folder, env: { ...env, ...more } });
      expect(result.code, `${script}\n${result.stdout}\n${result.stderr}`).toBe(0);
      expect(processesMentioning(folder)).toEqual([]);
      return result;
    },
    newestReport: () => JSON.parse(readFileSync(join(folder, 'reports/latest/report.json'), 'utf8')),
  };
}

/** Shorter than a test may take: the processes of the script are ended, and the test says what they said. */
const LONGEST_MS = 380_000;
/** In less a script is not run again. */
const SHORTEST_MS = 100_000;

/** Up to three times if a busy machine proved too little, each time without the clusters of the try before. */
function runUntilDecided(
  script: string,
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Ran> {
  const untilMs = performance.now() + LONGEST_MS;
  const run = async () => {
    const leftS = Math.max(1, (untilMs - performance.now()) / 1_000);
    const ran = await runProgram('timeout', [leftS.toFixed(1), 'bash', '-c', script], options);
    if (isUndecided(ran))
      await runProgram(join(options.cwd, 'bin/openclaw-rl'), ['down', '--all', '--yes'], options);
    return ran;
  };
  return proved(run, (ran) => !isUndecided(ran) || untilMs - performance.now() < SHORTEST_MS);
}

type Ran = Awaited<ReturnType<typeof runProgram>>;

/** What a verdict is unknown for on a busy machine. */
const DOUBT =
  /were drained and contested;|changed nothing that its probe could see|never injected|not in force before|concerned no bucket|stalled|\b(failed|info|dropped|headroom)\b/;

/** Whether a verdict was unknown for want of evidence, and for no other reason. */
function isUndecided({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): boolean {
  const doubts = stdout.match(/^ {2}\? .*/gm) ?? [];
  return (
    /^exit code 2, and not 0$/m.test(stderr) &&
    doubts.length > 0 &&
    doubts.every((doubt) => DOUBT.test(doubt))
  );
}

/** The `sh` blocks of pages but for one command, with a title for each. */
export function shBlocks(pages: readonly string[], except = '') {
  return blocksOn(pages, 'sh').map((block) => {
    const commands = commandsOf(block).filter(({ text }) => text !== except);
    return { page: block.page, title: commands.map(({ text }) => text.slice(0, 60)).join('; '), commands };
  });
}

const SHOWN_PORTS = ['6379', '7001', '7002', '7003', '7070', '8080', '8081', '8474'];

/** In place of each port that pages show, a free one. */
async function freePorts(): Promise<(text: string) => string> {
  const ports = await Promise.all(SHOWN_PORTS.map(async (port) => [port, String(await freePort())] as const));
  const free = new Map(ports);
  return (text) => text.replaceAll(new RegExp(SHOWN_PORTS.join('|'), 'g'), (port) => free.get(port) ?? port);
}

/** What a clone has, as far as the pages use it, and the files that they show; runs and state are the test's own. */
function cloneWith(pages: readonly string[], withFreePorts: (text: string) => string): string {
  const made = mkdtempSync(join(tmpdir(), 'openclaw-rl-readme-'));
  for (const name of ['docs', 'scenarios', 'node_modules']) symlinkSync(join(ROOT, name), join(made, name));
  const [history, ...operations] = blocksOn(HISTORY_PAGE, 'json').map(({ text }) => text);
  writeFileSync(join(made, 'history.ndjson'), history ?? '');
  writeFileSync(join(made, 'with-operations.ndjson'), withOperations(history ?? '', operations));
  for (const { text } of blocksOn(pages, 'js'))
    writeFileSync(join(made, /^\/\/ (\S+\.mjs)$/m.exec(text)?.[1] ?? 'unnamed.mjs'), text);
  for (const { text } of [...blocksOn(pages, 'python'), ...blocksOn(pages, 'go')])
    writeFileSync(join(made, /^(?:#|\/\/) (\S+)$/m.exec(text)?.[1] ?? 'unnamed'), text);
  for (const { text } of blocksOn(pages, 'yaml')) {
    const [, name] = /^# (\S+\.yaml)$/m.exec(text) ?? [];
    if (name !== undefined) writeFileSync(join(made, name), withFreePorts(text));
  }
  mkdirSync(join(made, 'bin'));
  for (const name of readdirSync(join(ROOT, 'bin'))) {
    writeFileSync(join(made, 'bin', name), `#!/bin/sh\nexec '${join(ROOT, 'bin', name)}' "$@"\n`);
    chmodSync(join(made, 'bin', name), 0o755);
  }
  return made;
}

/** The history with the operations that the page shows alone. */
function withOperations(history: string, operations: readonly string[]): string {
  const [header, ...rest] = history.trim().split('\n');
  const all = [header, ...rest.slice(0, -1), ...operations.map((text) => text.trim())];
  const sent = `"sent":${all.length - 1}`;
  return `${all.join('\n')}\n${rest.at(-1)?.replace(/"sent":\d+/, sent)}\n`;
}
