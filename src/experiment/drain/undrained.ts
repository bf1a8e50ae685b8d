import { type Claim, parseClaim } from '../../checker/claims/claim.ts';
import { withEvidence } from '../../checker/claims/evidence-claims.ts';
import { formatPolicy } from '../../core/policy.ts';
import { formatPromise } from '../../core/promise.ts';
import { plain, rounded } from '../../core/units.ts';
import { enoughValues } from './enough-values.ts';
import { countDrained, type Drained, type PlannedLoad } from './planned-demand.ts';

/**
 * Says of a load, before it is sent, that it cannot drain as many buckets as its claim wants, by which figures, and which
 * values would. Undefined if it may, and if nothing is known: of a closed load, whose rate depends on the replies; of
 * very many users or requests; and under a command of the user, which may do anything to a limiter.
 */
export function undrained(load: PlannedLoad): string | undefined {
  const { claims, load: sent, faults } = load.plan;
  const claim = withEvidence(claims.map(parseClaim), { sides: 0, asks: false }).find(
    ({ measure, phase }) => measure === 'contested' && phase === undefined,
  );
  const isKnown = sent.mode === 'open' && sent.users <= MOST_USERS;
  if (claim === undefined || !isKnown || faults.some(({ fault }) => fault === 'command')) return undefined;
  const short = countDrained(load, claim, 'possible')?.find(({ buckets, wanted }) => buckets < wanted);
  if (short === undefined) return undefined;
  return `this load ${canText(short, claim)}: ${askedText(short, load)}; ${enoughText(load, claim)}`;
}

/** More are not drawn beforehand. */
const MOST_USERS = 100_000;

function canText({ policy: { name }, buckets, wanted, of }: Drained, claim: Claim): string {
  const ofPolicy = name === '' ? '' : ` of policy ${name}`;
  if (of === 1) return `cannot drain its only bucket${ofPolicy}`;
  const all = `its ${of} ${claim.unit === 'share' ? 'busiest ' : ''}buckets${ofPolicy}`;
  return `can drain ${buckets === 0 ? 'none' : `at most ${buckets}`} of ${all}, and ${claim.text} needs ${wanted}`;
}

function askedText(
  { policy: { policy }, buckets, of, others, allowance }: Drained,
  { promise, plan }: PlannedLoad,
): string {
  const who = of === 1 ? 'it' : `the busiest${buckets === 0 ? '' : ' of the others'}`;
  const loadUs = 1_000 * plan.load.durationMs;
  if (promise !== undefined && promise.type !== 'token-bucket')
    return `${who} is asked for at most ${others.inSpan} tokens in ${seconds(Math.min(allowance.spanUs, loadUs))}, and ${formatPromise(promise)} admits ${promise.limit}`;
  const aSecond = plain(rounded((1_000_000 * others.inAll) / loadUs, 1));
  const admitted = Math.floor(policy.capacityTokens + allowance.perUs * loadUs);
  return `${who} is asked for ${others.inAll} tokens in ${seconds(loadUs)} (${aSecond} a second), and ${formatPolicy(policy)} admits ${admitted}`;
}

function seconds(us: number): string {
  return `${plain(rounded(us / 1_000_000, 1))} s`;
}

function enoughText(load: PlannedLoad, claim: Claim): string {
  const isOfFlags = /^(bench|audit|chaos-.*)$/.test(load.plan.scenario);
  const written = enoughValues(load, claim).map((values) =>
    Object.entries(values)
      .map(([key, value]) => (isOfFlags ? `--${key} ${value}` : `${key}: ${value}`))
      .join(isOfFlags ? ' ' : ' with '),
  );
  if (written.length === 0) return 'take fewer users, a higher rate or a longer load';
  return `use ${written.join(', or ')}${isOfFlags ? '' : ' in its load'}`;
}
