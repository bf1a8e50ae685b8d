import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Claim, parseClaim } from '../../checker/claims/claim.ts';
import { evidenceBrought } from '../../checker/claims/evidence-claims.ts';
import { HEADROOM_AT_MOST } from '../../checker/evidence/headroom-facts.ts';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { type ClaimFlags, claimOption } from './claim-option.ts';
import { share, wholeNumber } from './options.ts';

/** The flags of `addCheckClaims`. */
export interface CheckClaimFlags extends ClaimFlags {
  readonly falseDenials: number;
  readonly dishonest?: number;
  readonly contested: number;
  readonly info: number;
}

/** Adds `--claim`, and the options that set limits of the default claims, to `check`. */
export function addCheckClaims(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--false-denials <count>',
        'number of false denials that are allowed; any: no limit, for a limiter that splits its tokens between regions',
      )
        .argParser(parseDeclared)
        .default(0),
    )
    .option(
      '--dishonest <count>',
      'fail if more stated values than this (remaining, Retry-After, reset, policy) cannot be true; default: they are only reported',
      wholeNumber(0, 1e9),
    )
    .option(
      '--contested <buckets>',
      'if fewer buckets than this were drained and denied, the verdict is unknown; 0 also drops the headroom claim',
      wholeNumber(0, 1e9),
      1,
    )
    .option(
      '--info <share>',
      'if more than this share of the operations has no reply, the verdict is unknown',
      share,
      0.05,
    )
    .addOption(
      claimOption(
        "a claim like 'total-excess <= 10%', instead of the default claims and their limits",
        evidenceBrought(`headroom <= ${100 * HEADROOM_AT_MOST.audit}%`),
      ),
    );
}

function parseDeclared(text: string): number {
  if (text === 'any') return Number.POSITIVE_INFINITY;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number, or any.');
}

/** The options that set a limit of a default claim, and the claim that says the same. */
const LIMITS = {
  falseDenials: 'false-denials <= 0',
  dishonest: 'dishonest <= 0',
  contested: 'contested >= 1',
  info: 'info <= 5%',
} as const;

/**
 * The claims of `check`; undefined if none are given. Throws INVALID_OPTION beside an option that sets a limit of the
 * default claims, and INVALID_CLAIM for a claim on a bound, which a history does not declare.
 */
export function checkClaims(
  { claim, falseDenials }: CheckClaimFlags,
  command: Command,
): readonly Claim[] | undefined {
  if (claim === undefined) return undefined;
  const given = Object.keys(LIMITS).find((name) => command.getOptionValueSource(name) === 'cli');
  if (given !== undefined && !(given === 'falseDenials' && falseDenials === Number.POSITIVE_INFINITY)) {
    const flag = command.options.find((option) => option.attributeName() === given)?.long;
    throw invalidOption(
      `${flag} sets the limit of a default claim, and --claim replaces the default claims`,
      `remove ${flag}; as a claim: --claim '${LIMITS[given as keyof typeof LIMITS]}'`,
    );
  }
  const claims = claim.map(parseClaim);
  const ofBound = claims.find(({ unit }) => unit === 'bound');
  if (ofBound === undefined) return claims;
  throw new OpenclawError('INVALID_CLAIM', `claim ${quoted(ofBound.text)}: a history declares no bound`, {
    hint: `claim tokens or a percentage, like '${ofBound.measure} <= 10%'; openclaw-rl gate <folder of the run> judges a run by its bound`,
  });
}
