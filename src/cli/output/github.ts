import { appendFile } from 'node:fs/promises';
import { Option } from 'commander';
import { environmentFailed } from '../../core/errors.ts';
import type { Environment } from '../process/environment.ts';

export function githubOption(what: string): Option {
  return new Option(
    '--github',
    `print annotations and add the ${what} to the step summary (default: on in GitHub Actions)`,
  ).default(false);
}

/**
 * Prints annotations and appends Markdown to the step summary, where `isAsked` or in GitHub Actions. GitHub reads
 * annotations from any output of a step; with `json` standard output is one document. Throws ENVIRONMENT_FAILED.
 */
export async function tellGithub(
  { annotations, summary }: { readonly annotations: string; readonly summary: string },
  { isAsked, json }: { readonly isAsked: boolean; readonly json: boolean },
  environment: Environment,
): Promise<void> {
  if (!isAsked && environment.env.GITHUB_ACTIONS !== 'true') return;
  if (json) environment.log(annotations);
  else environment.out(annotations);
  const file = environment.env.GITHUB_STEP_SUMMARY;
  if (file === undefined || file === '') return;
  await writeOut(file, () => appendFile(file, summary));
}

/** Writes a file beside the result. Throws ENVIRONMENT_FAILED. */
export async function writeOut(file: string, write: () => Promise<void>): Promise<void> {
  await write().catch((error: Error) => {
    throw environmentFailed(`cannot write ${file}: ${error.message}`, 'choose a writable path', error);
  });
}
