import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../readme.ts';
import { type Contexts, interpolate, isDue } from './expressions.ts';
import { ACTION, type Step } from './metadata.ts';
import { type Kept, STAND_INS } from './stand-ins.ts';

/** How GitHub starts `sh`: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax */
const SHELL = ['sh', '-e'] as const;

export interface StepResult {
  readonly name: string;
  readonly outcome: 'success' | 'failure' | 'skipped';
  readonly outputs: Readonly<Record<string, string>>;
  readonly log: string;
  readonly exitCode?: number;
}

export interface JobResult {
  readonly conclusion: 'success' | 'failure' | 'cancelled';
  /** The steps of the action, by their names. */
  readonly steps: ReadonlyMap<string, StepResult>;
  /** The outputs of the action. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** What all steps printed. */
  readonly log: string;
}

export interface JobOptions {
  /** The workspace: the user's files. */
  readonly workspace: string;
  readonly kept: Kept;
  /** In place of the event of a push to the default branch. */
  readonly github?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Steps of the action that are not run, by their names, with their outputs: what an earlier job has installed. */
  readonly done?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Cancels the job: called with what a step has printed so far, true once. */
  readonly cancelWhen?: (log: string) => boolean;
}

const PUSH = {
  event_name: 'push',
  ref: 'refs/heads/main',
  event: { repository: { default_branch: 'main' } },
};

let jobs = 0;

/** Runs the steps of a workflow's only job as GitHub would; a step that uses another action is a stand-in. */
export async function runWorkflow(text: string, options: JobOptions): Promise<JobResult> {
  const [job, ...others] = Object.values(parse(text).jobs as Record<string, { steps: readonly Step[] }>);
  if (job === undefined || others.length > 0) throw new Error('expected a workflow of one job');
  return runSteps(job.steps, options);
}

/** Runs the action alone with these inputs, in a job of one step. */
export function runAction(inputs: Readonly<Record<string, string>>, options: JobOptions): Promise<JobResult> {
  return runSteps([{ uses: 'OWNER/openclaw-rl@v1', with: inputs }], options);
}

async function runSteps(steps: readonly Step[], options: JobOptions): Promise<JobResult> {
  const job = new Job(options);
  const actions: JobResult['outputs'][] = [];
  for (const step of steps) {
    if (step.uses?.includes('/openclaw-rl@')) actions.push(await job.act(step));
    else await job.step(step, { contexts: job.contexts({}), steps: {} });
  }
  return job.end(actions.at(-1) ?? {});
}

/** The steps of one action, or of a workflow. */
interface Scope {
  readonly contexts: Contexts;
  readonly steps: Record<string, { outputs: Readonly<Record<string, string>>; outcome: string }>;
  readonly actionPath?: string;
}

class Job {
  readonly #options: JobOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-job-'));
  readonly #results = new Map<string, StepResult>();
  readonly #status = { hasFailed: false, isCancelled: false };
  readonly #github: Readonly<Record<string, unknown>>;
  #log = '';

  constructor(options: JobOptions) {
    this.#options = options;
    jobs += 1;
    this.#github = { ...PUSH, run_id: String(1_000 + jobs), run_attempt: '1', ...options.github };
    mkdirSync(join(this.#folder, 'temp'));
    writeFileSync(this.#summaryFile, '');
  }

  get #summaryFile(): string {
    return join(this.#folder, 'summary.md');
  }

  contexts(inputs: Readonly<Record<string, string>>): Contexts {
    return { inputs, github: this.#github, env: this.#options.env ?? {}, runner: { os: 'Linux' } };
  }

  /** Removes what the job left beside its workspace. */
  end(outputs: JobResult['outputs']): JobResult {
    const { hasFailed, isCancelled } = this.#status;
    const summary = readFileSync(this.#summaryFile, 'utf8');
    rmSync(this.#folder, { recursive: true });
    return {
      conclusion: isCancelled ? 'cancelled' : hasFailed ? 'failure' : 'success',
      steps: this.#results,
      outputs,
      summary,
      log: this.#log,
    };
  }

  /** Runs the steps of our action from a copy of what GitHub would fetch of it. */
  async act(user: Step): Promise<JobResult['outputs']> {
    const given = Object.entries(user.with ?? {}).map(([name, value]) => {
      if (!Object.hasOwn(ACTION.inputs, name)) throw new Error(`the action has no input ${name}`);
      return [name, interpolate(String(value), this.contexts({}))];
    });
    const defaults = Object.entries(ACTION.inputs).map(([name, { default: value }]) => [name, value]);
    const actionPath = join(this.#folder, 'action-path');
    for (const name of ['action', 'action.yml', 'bin', 'package.json'])
      cpSync(join(ROOT, name), join(actionPath, name), { recursive: true });
    const contexts = this.contexts({ ...Object.fromEntries(defaults), ...Object.fromEntries(given) });
    const scope: Scope = { contexts, steps: {}, actionPath };
    for (const step of ACTION.runs.steps) await this.step(step, scope);
    const all = { ...contexts, steps: scope.steps };
    return Object.fromEntries(
      Object.entries(ACTION.outputs).map(([name, { value }]) => [name, interpolate(value, all)]),
    );
  }

  async step(step: Step, scope: Scope): Promise<void> {
    const name = step.name ?? step.uses ?? step.run ?? '';
    const contexts = { ...scope.contexts, steps: scope.steps };
    const condition = step.if === undefined ? undefined : String(step.if);
    const done = this.#options.done?.[name];
    const result: Omit<StepResult, 'name'> = !isDue(condition, contexts, this.#status)
      ? { outcome: 'skipped', outputs: {}, log: '' }
      : done !== undefined
        ? { outcome: 'success', outputs: done, log: '' }
        : step.uses === undefined
          ? await this.#run(step, contexts, scope.actionPath)
          : this.#use(step.uses, step.with ?? {}, contexts);
    this.#log += result.log;
    this.#results.set(name, { name, ...result });
    if (step.id !== undefined) scope.steps[step.id] = { outputs: result.outputs, outcome: result.outcome };
    if (result.outcome === 'failure' && step['continue-on-error'] !== true) this.#status.hasFailed = true;
  }

  #use(uses: string, given: NonNullable<Step['with']>, contexts: Contexts): Omit<StepResult, 'name'> {
    const [name = '', version = ''] = uses.split('@');
    const standIn = STAND_INS[name];
    if (standIn === undefined || !/^v\d+$/.test(version)) throw new Error(`there is no stand-in for ${uses}`);
    const inputs = Object.entries(given).map(([key, value]) => {
      if (!standIn.inputs.includes(key)) throw new Error(`${uses} has no input ${key}`);
      return [key, interpolate(String(value), contexts)];
    });
    try {
      standIn.run(Object.fromEntries(inputs), this.#options.workspace, this.#options.kept);
      return { outcome: 'success', outputs: {}, log: '' };
    } catch (error) {
      return { outcome: 'failure', outputs: {}, log: `${error}\n` };
    }
  }

  async #run(step: Step, contexts: Contexts, actionPath?: string): Promise<Omit<StepResult, 'name'>> {
    const files = { script: join(this.#folder, 'script.sh'), output: join(this.#folder, 'output') };
    writeFileSync(files.script, interpolate(step.run ?? '', contexts));
    writeFileSync(files.output, '');
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, interpolate(value, contexts)]);
    const env = {
      ...process.env,
      ...Object.fromEntries(own),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: this.#options.workspace,
      GITHUB_OUTPUT: files.output,
      GITHUB_STEP_SUMMARY: this.#summaryFile,
      RUNNER_OS: 'Linux',
      ...this.#options.env,
      RUNNER_TEMP: join(this.#folder, 'temp'),
      OPENCLAW_RL_STATE: join(this.#folder, 'state'),
      ...(actionPath === undefined ? {} : { GITHUB_ACTION_PATH: actionPath }),
    };
    const [shell, ...flags] = SHELL;
    const child = spawn(shell, [...flags, files.script], { cwd: this.#options.workspace, env });
    let log = '';
    const heard = (chunk: Buffer) => {
      log += chunk.toString();
      if (this.#status.isCancelled || this.#options.cancelWhen?.(log) !== true) return;
      this.#status.isCancelled = true;
      child.kill('SIGINT'); // the runner sends this to the process of the step, and to no child of it
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    const [code] = await once(child, 'close');
    const outputs = Object.fromEntries(
      readFileSync(files.output, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    return { outcome: code === 0 ? 'success' : 'failure', outputs, log, exitCode: code ?? -1 };
  }
}

/** A repository with nothing but these files, gone when the test or, with `afterAll`, the file has finished. */
export function userRepository(
  files: Readonly<Record<string, string>>,
  onFinished: (callBack: () => void) => void = onTestFinished,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-user-'));
  onFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
