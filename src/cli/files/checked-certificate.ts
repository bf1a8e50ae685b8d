import { stat } from 'node:fs/promises';
import type { Examination } from '../../checker/check.ts';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { copyLines } from '../../history/foreign/copy.ts';
import { FOREIGN_FORMATS } from '../../history/foreign/formats/formats.ts';
import type { History } from '../../history/history.ts';
import { quotedForShell } from '../output/typed-command.ts';
import { whyNoCertificate, writeCertificate, writeLines } from './certificate-file.ts';
import { type FirstRecord, firstRecord } from './first-record.ts';

/** Where `check` writes the certificate of a history, and the operations of a foreign log, which a verifier cannot read. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly copy?: string;
}

/** Throws INVALID_OPTION if a file would be replaced that `check --certificate` has not written. */
export async function certificatePaths(
  certificate: string,
  { files, isForeign }: { readonly files: readonly string[]; readonly isForeign: boolean },
): Promise<CertificatePaths> {
  const copy = isForeign ? { copy: copyOf(certificate) } : {};
  const inputs = await Promise.all(files.map(identityOf));
  for (const path of [certificate, ...Object.values(copy)]) {
    const identity = await identityOf(path);
    if (identity === undefined) continue;
    if (inputs.includes(identity))
      throw invalidOption(
        `--certificate ${printable(certificate)}: ${printable(path)} is a file to check`,
        OTHER,
      );
    if (!(path === certificate ? isCertificate : isCopy)(await firstRecord(path)))
      throw invalidOption(
        `--certificate ${printable(certificate)}: ${printable(path)} exists, and is ${path === certificate ? 'no certificate' : 'not the copy of a log'}`,
        OTHER,
      );
  }
  return { certificate, ...copy };
}

const OTHER = 'choose another file, or remove that one';

/** `c.ndjson.gz` becomes `c.history.ndjson.gz`. */
function copyOf(certificate: string): string {
  return `${certificate.replace(/(\.ndjson)?(\.gz)?$/, '')}.history.ndjson.gz`;
}

/** Undefined for what does not exist, and for devices and pipes, which hold nothing. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? `${found.dev} ${found.ino}` : undefined;
}

function isCertificate({ format }: FirstRecord): boolean {
  return format === 'openclaw-certificate';
}

function isCopy({ format, strategy }: FirstRecord): boolean {
  return format === 'openclaw-history' && Object.hasOwn(FOREIGN_FORMATS, String(strategy));
}

/** Writes the certificate, and logs how it can be verified, or why there is none. Throws ENVIRONMENT_FAILED and INTERRUPTED. */
export async function writeChecked(
  { certificate, copy }: CertificatePaths,
  evidence: { readonly history: History; readonly examination: Examination },
  {
    files,
    signal,
    log,
  }: {
    readonly files: readonly string[];
    readonly signal: AbortSignal;
    readonly log: (text: string) => void;
  },
): Promise<void> {
  const lack = whyNoCertificate(evidence.examination.report.parts);
  if (lack !== undefined) {
    log(`no ${printable(certificate)}: ${printable(lack)}\n`);
    return;
  }
  if (copy !== undefined) {
    await writeLines(copy, copyLines(evidence.history), signal);
    log(
      `the operations of the log as they were read: ${printable(copy)}; that they are those of the log is not verified\n`,
    );
  }
  await writeCertificate(certificate, evidence, signal);
  const histories = copy === undefined ? files.map((file) => (file === '-' ? '<history>' : file)) : [copy];
  log(
    `to verify it: openclaw-rl verify --certificate ${[certificate, ...histories].map((file) => (file === '<history>' ? file : quotedForShell(printable(file)))).join(' ')}\n`,
  );
}
