import { OpenclawError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { CheckDocument } from '../report/check-report.ts';
import { labelled } from '../report/fit-lines.ts';
import { readable } from '../report/text.ts';
import { renderFindings, renderVerdict } from '../report/verdict-text.ts';

/** Plain text, of any width: a test runner adds what it needs. */
const LOOK = { colour: false };

/** A test runner shows the message of an error alone, so it gets the hint too. */
export function withHint<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    const { code, message, hint } = error;
    throw new OpenclawError(code, message.includes(hint) ? message : `${message}\n  ${hint}`, { hint });
  }
}

/** The verdict and the proofs as `openclaw-rl check` prints them, below the call of the matcher, with advice. */
export function explain(
  untrusted: CheckDocument,
  { call, advice }: { readonly call: string; readonly advice: readonly string[] },
): string {
  const document = readable(untrusted);
  return [
    printable(call),
    '',
    renderVerdict(document, LOOK).trimEnd(),
    ...advice.map((sentence) => labelled('  to do ', sentence)),
    '',
    ...renderFindings(document, LOOK),
  ]
    .join('\n')
    .trimEnd();
}
