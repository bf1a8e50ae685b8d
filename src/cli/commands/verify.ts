import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { leftOutText } from '../../history/parts/part-texts.ts';
import { makeVerification, renderVerification } from '../../report/verification.ts';
import { CERTIFICATE_FILE } from '../files/certificate-file.ts';
import { chooseFiles } from '../files/choose-files.ts';
import { recordsIn } from '../files/first-record.ts';
import { historyFilesOf, historyWords } from '../files/history-files.ts';
import { LATEST_RUN, readRun } from '../files/read-report.ts';
import { readCertificateEnd, runVerifier } from '../files/run-verifier.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

interface Options {
  readonly certificate?: string;
  readonly json: boolean;
}

export function verifyCommand(environment: Environment): Command {
  return new Command('verify')
    .description(
      'Check the proofs of a run against its history, with a program of its own: verify/verify.mjs.',
    )
    .argument(
      '[run...]',
      `folder of a run with ${CERTIFICATE_FILE}; with --certificate the files of the history (default: "${LATEST_RUN}")`,
    )
    .option('--certificate <file>', 'the certificate that `check --certificate` has written')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', EXAMPLES)
    .action((words: string[], options: Options) => verify(words, options, environment));
}

const EXAMPLES = `
Examples:
  # a run writes its proofs with --certificate
  $ openclaw-rl bench --certificate && openclaw-rl verify
  $ openclaw-rl verify bench-1 --json | jq .verified
  # a history, by the files that it was checked from
  $ openclaw-rl check us.ndjson eu.ndjson --certificate c.ndjson.gz
  $ openclaw-rl verify --certificate c.ndjson.gz us.ndjson eu.ndjson
  # without this program
  $ node verify/verify.mjs c.ndjson.gz us.ndjson eu.ndjson

Exit codes: 0 if every proof holds; 1 if one is refused; 2 if the certificate
proves nothing; 64 if it or the history is missing, damaged or incomplete.`;

async function verify(words: readonly string[], options: Options, environment: Environment): Promise<void> {
  const { certificate, history, areParts } =
    options.certificate === undefined
      ? await filesOfRun(words, environment)
      : await filesOfCheck(options.certificate, words, environment);
  const certified = await readCertificateEnd(certificate);
  environment.log(`verifying ${printable(certificate)}\n`);
  const found = await runVerifier(certificate, history, environment.interrupt);
  const verification = makeVerification({ certificate, history, areParts, certified, ...found });
  const { json } = options;
  environment.out(json ? jsonText(verification) : renderVerification(verification, environment.look));
  environment.setExitCode(EXIT[verification.verdict]);
}

interface Files {
  readonly certificate: string;
  readonly history: readonly string[];
  readonly areParts: boolean;
}

/** Of a run in parts, the same files as `check` chooses. */
async function filesOfCheck(
  certificate: string,
  history: readonly string[],
  environment: Environment,
): Promise<Files> {
  for (const file of history) if ((await kindOf(file)) === 'certificate') throw noHistory(file);
  if (history.length > 0) return { certificate, ...(await chosen(history, environment)) };
  throw invalidOption(
    '--certificate needs the files of its history',
    `openclaw-rl verify --certificate ${quotedForShell(printable(certificate))} <history...>`,
  );
}

/** A pipe is not looked into: it can be read once. */
async function kindOf(file: string): Promise<'history' | 'certificate' | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? recordsIn(file) : undefined;
}

function noHistory(file: string): OpenclawError {
  return new OpenclawError('INVALID_HISTORY', `${printable(file)}: it is a certificate, and no history`, {
    hint: 'openclaw-rl verify --certificate <certificate> <history...>',
  });
}

async function chosen(
  history: readonly string[],
  { interrupt: signal, log }: Environment,
): Promise<Omit<Files, 'certificate'>> {
  const { files, parts, leftOut } = await chooseFiles(history, { signal, log });
  for (const file of leftOut) log(`${printable(leftOutText(file, parts))}\n`);
  return { history: files, areParts: parts.length > 0 };
}

/** Throws INVALID_REPORT without such a run, INVALID_CERTIFICATE and INVALID_HISTORY without these files in its folder. */
async function filesOfRun(
  [run = LATEST_RUN, ...others]: readonly string[],
  environment: Environment,
): Promise<Files> {
  if (others.length > 0)
    throw invalidOption(
      `expected one run; found ${others.length + 1}`,
      'with --certificate the words are the files of a history',
    );
  const { folder } = await readRun(run, environment.cwd);
  const certificate = join(folder, CERTIFICATE_FILE);
  const history = historyFilesOf(folder);
  if (history.length === 0)
    throw new OpenclawError('INVALID_HISTORY', `${printable(run)}: it has no history`);
  if (existsSync(certificate)) return { certificate, ...(await chosen(history, environment)) };
  throw new OpenclawError('INVALID_CERTIFICATE', `${printable(run)}: it has no ${CERTIFICATE_FILE}`, {
    hint: `run it with --certificate; or: openclaw-rl check ${printable(historyWords(folder).join(' '))} --certificate ${quotedForShell(printable(certificate))}`,
  });
}
