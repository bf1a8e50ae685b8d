import pc from 'picocolors';
import type { CertificateEnd } from '../checker/certificates/certificate-lines.ts';
import { formatPromise, type Promised } from '../core/promise.ts';
import { count } from '../core/units.ts';
import type { Verdict } from '../core/verdict.ts';
import { simulatedText } from './check-report.ts';
import { type Look, labelled } from './fit-lines.ts';
import { printable } from './text.ts';

/** What `verify/verify.mjs` prints last. */
export interface VerifierCounts {
  /** The history says that it is of a simulation. */
  readonly simulated?: true;
  /** A file of the history has no end, so requests may be missing. */
  readonly ended?: false;
  /** Operations of buckets that are not in the history, which is a sample. */
  readonly others?: number;
  /** What the certificate says that the limiter promises. */
  readonly promise: Promised;
  readonly operations: number;
  readonly buckets: number;
  readonly proved: number;
  readonly admissionsProved: number;
  /** Convictions that hold by the listed admissions of one window. */
  readonly excess: number;
  /** Convictions that hold by recomputing the bucket. */
  readonly denial: number;
  /** Convictions that the verifier can neither confirm nor refute. */
  readonly undecided: number;
  /** Findings of the replay, which it does not check. */
  readonly replay: number;
  readonly refused: number;
}

/** What `openclaw-rl verify --json` prints. */
export interface Verification {
  readonly format: 'openclaw-verification';
  readonly version: 1;
  /** `fail`: something is refused. `unknown`: the certificate proves nothing. */
  readonly verdict: Verdict;
  readonly certificate: string;
  readonly history: readonly string[];
  readonly verified: VerifierCounts;
  readonly certified: CertificateEnd;
  /** What was refused, with the reason: the first of them. */
  readonly refusals: readonly string[];
  /** The way out, if the refusals may have another reason than a wrong certificate. */
  readonly hint?: string;
  readonly trusted: readonly string[];
}

const NO_END = 'that no request is missing: the history has no end';

const TRUSTED = [
  'the history: that these are the requests and the replies, at these times',
  'its policy, and its initial levels if they are full',
  'that two clocks drift apart by at most 1,000 ppm',
];

export function makeVerification({
  certified,
  verified,
  refusals,
  areParts,
  ...files
}: Pick<Verification, 'certificate' | 'history' | 'certified' | 'verified' | 'refusals'> & {
  /** The files are the parts of a run, whose order does not count. */
  readonly areParts: boolean;
}): Verification {
  const { proved, admissionsProved, excess, denial } = verified;
  const isEmpty = proved + admissionsProved + excess + denial === 0;
  const verdict = verified.refused > 0 ? 'fail' : isEmpty ? 'unknown' : 'pass';
  return {
    ...{ format: 'openclaw-verification', version: 1, verdict, ...files },
    verified,
    certified,
    refusals,
    trusted: verified.ended === false ? [...TRUSTED, NO_END] : TRUSTED,
    ...(verified.refused > 0 && files.history.length > 1 && !areParts && { hint: ORDER }),
  };
}

const ORDER =
  'a certificate numbers operations in the order of the files: give them in the order in which `check` was given them';

const VERDICTS = {
  pass: 'every proof holds',
  fail: 'refused',
  unknown: 'the certificate proves nothing',
};

/** A verification as text for a terminal. */
export function renderVerification(untrusted: Verification, { colour, columns }: Look): string {
  const verification = printable(untrusted);
  const { verdict, refusals, hint, verified, trusted, certificate, history } = verification;
  const colours = pc.createColors(colour);
  const paint = { pass: colours.green, fail: colours.red, unknown: colours.yellow }[verdict];
  const line = (label: string, text: string) => labelled(`  ${label} `, text, columns);
  const more = verified.refused - refusals.length;
  return [
    `${colours.bold('verified')}  ${colours.bold(paint(verdict))}${simulatedText(verified)}: ${VERDICTS[verdict]}`,
    ...refusals.map((text) => line(colours.red('FAIL'), text)),
    ...(more > 0 ? [line(colours.red('FAIL'), `and ${more} more`)] : []),
    ...(hint === undefined ? [] : [line(colours.bold('hint'), hint)]),
    ...checked(verification).map(([sign, text]) => line(sign === 'ok' ? colours.green('ok') : '--', text)),
    ...trusted.map((text) => line(colours.bold('trusted'), text)),
    labelled('certificate  ', certificate, columns),
    labelled('history      ', history.join(', '), columns),
    '',
  ].join('\n');
}

/** A sentence for each kind of bucket that there is, and whether it was checked. */
function checked({ verified, certified }: Verification): ['ok' | '--', string][] {
  const { operations, buckets, proved, admissionsProved, excess, denial, undecided, replay, promise } =
    verified;
  const { others = 0 } = verified;
  const { withinBound, convicted, open } = certified;
  const ideal =
    promise.type === 'token-bucket' ? 'an ideal bucket' : `an ideal limiter of ${formatPromise(promise)}`;
  const byWindows = Math.max(0, convicted - excess - denial - undecided - replay);
  const kinds: [number, 'ok' | '--', string][] = [
    [buckets, 'ok', `${count(operations, 'operation')} in ${count(buckets, 'bucket')} were read`],
    [others, '--', `${count(others, 'operation')} of buckets outside the sample: not in the history`],
    [proved, 'ok', `${count(proved, 'bucket')} proved: ${ideal} gives every recorded answer`],
    [
      admissionsProved,
      'ok',
      `${count(admissionsProved, 'bucket')} with admissions proved: ${ideal} admits all that was admitted; denials are not checked`,
    ],
    [excess, 'ok', `${count(excess, 'conviction')} for over-admission: the listed admissions of one window`],
    [denial, 'ok', `${count(denial, 'conviction')} for a false denial: recomputed over the whole bucket`],
    [
      undecided,
      '--',
      `${count(undecided, 'conviction')} not confirmed: the checker's bounds on the clocks are tighter than the verifier's`,
    ],
    [replay, '--', `${count(replay, 'finding')} of the replay of levels: not verified`],
    [byWindows, '--', `${count(byWindows, 'bucket')} with windows above the promise: not verified`],
    [withinBound, '--', `${count(withinBound, 'bucket')} above an ideal bucket, within the declared bound`],
    [open, '--', `${count(open, 'bucket')} open: neither proved nor convicted`],
  ];
  return kinds.filter(([many]) => many > 0).map(([, sign, text]) => [sign, text]);
}
