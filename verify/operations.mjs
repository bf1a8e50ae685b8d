// The operations of a history for verify.mjs, as rows of the buckets that they charge.
import { fail as refuse } from 'node:assert';
import { given } from './records.mjs';

/** What an operation may do in a proof. */
export const [TAKE, DENIAL, NOTHING, MAYBE, UNSURE] = ['allowed', 'denied', 'failed', 'info', Symbol('may give back')];
export const NEVER = Number.POSITIVE_INFINITY;
export const least = (numbers) => numbers.reduce((a, b) => (b < a ? b : a), NEVER);
export const most = (numbers) => numbers.reduce((a, b) => (b > a ? b : a), -NEVER);
export const sumOf = (rows) => rows.reduce((sum, { cost }) => sum + cost, 0);
export const keyOf = ({ bucket, policy }) => JSON.stringify([bucket, policy]); // an empty name is a name
/** Whether it is a number as the checker has it: beyond these, neighbours are further apart than 1. */
export const isNumber = (value) => typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
export const isNumberIfGiven = (value) => (value ?? null) === null || isNumber(value);
/** JavaScript would count false as 0. */
const whole = (cost) => (Number.isSafeInteger(cost) ? cost : refuse('an operation has a cost that is no whole number'));
export const listIn = (map, key) => map.get(key) ?? map.set(key, []).get(key);

/** A step of a reservation as it is in one bucket: it may name its buckets, as an operation does. */
function stepOf({ cost, charges, decision, outcome, invokedUs, completedUs, latestUs }, name, of) {
  const own = charges?.map(given).filter((charge) => keyOf(charge) === keyOf(of));
  if (decision?.source === 'fallback') refuse('a failure policy decides no step of a reservation');
  const tokens = own === undefined ? whole(cost) : sumOf(own.map(({ cost: ofCharge = 1 }) => ({ cost: whole(ofCharge) })));
  return { outcome, invokedUs, completedUs, latestUs, cost: tokens, name };
}

/** An operation, then what follows a reservation: extensions, a settlement that gives back the rest, an expiry that may give back all. */
export function* withSteps(record) {
  const { extended = [], settled: end, expiresUs, cost = 1, ...fields } = given(record);
  const [op, expires, isHeld] = [{ ...fields, cost }, expiresUs !== undefined, ({ outcome }) => [TAKE, MAYBE].includes(outcome)];
  const { bucket, policy, decisionId } = op;
  const steps = extended.map((step, at) => stepOf(given(step), at, op)).filter((step) => step.cost !== 0);
  const [settled, held] = [end && stepOf(given(end), 'settle', op), sumOf([op, ...steps.filter(isHeld)])];
  const has = (outcome) => steps.some((step) => step.outcome === outcome);
  if (settled !== undefined) {
    const [isOpen, isKnown] = [has(MAYBE), settled.outcome !== MAYBE]; // it is unknown how much an open extension holds
    const isUnclear = isOpen && settled.outcome === TAKE;
    steps.push({ ...settled, outcome: isKnown && !isOpen ? settled.outcome : UNSURE, cost: settled.cost - held, isUnclear });
  }
  if (expires) steps.push({ invokedUs: expiresUs, outcome: UNSURE, cost: -held, name: 'expire' });
  const all = isHeld(op) ? steps.map((step) => ({ ...step, bucket, policy, decisionId, goesOn: true, expires })) : [];
  const isMade = op.outcome === MAYBE && settled?.outcome === TAKE; // or nothing were held
  const made = isMade ? { outcome: TAKE, completedUs: settled.completedUs } : { isUnclear: op.outcome === MAYBE && has(TAKE) };
  const known = (end ?? extended[0]) && op.charges === undefined ? held : undefined;
  yield { ...op, ...made, name: 'take', held: known, goesOn: all.length > 0, expires: expires && isHeld(op) };
  if (op.charges === undefined) yield* all;
}

/** Adds a row for each bucket that is charged; its surplus may be charged beyond the outcome. */
export function addOperation(history, op, file) {
  const { machine, name: part } = file;
  const { outcome: role, maxCharge, decision, decisionId, name, held, goesOn, isUnclear, expires } = op;
  if (![TAKE, DENIAL, NOTHING, MAYBE, UNSURE].includes(role)) refuse(`the outcome ${role} is unknown`);
  const completedUs = role === MAYBE || role === UNSURE ? undefined : op.completedUs; // without a reply it has no end
  const areNumbers = isNumber(op.invokedUs) && [completedUs, op.latestUs, maxCharge].every(isNumberIfGiven);
  if (!areNumbers || ([TAKE, DENIAL].includes(role) && !isNumber(completedUs))) refuse('an operation has a number that is none');
  if (decisionId !== undefined && typeof decisionId !== 'string') refuse('a decisionId is no text');
  const [from, isLocal, latest] = [Math.floor(op.invokedUs), decision?.source === 'fallback', Math.ceil(op.latestUs ?? NEVER)];
  const until = role === MAYBE ? latest : Math.ceil(completedUs ?? NEVER);
  if (until < from || latest < from) refuse('an operation ends before it begins');
  if (decisionId === undefined && maxCharge === undefined && !isLocal && !goesOn && role !== MAYBE) file.knownUs = Math.min(file.knownUs, until);
  const mayReach = isLocal && decision.charge !== 'none' && role !== MAYBE; // a failure policy answered while its request was under way
  const costs = new Map(); // a bucket that is charged twice is charged the sum
  for (const { cost = 1, ...of } of op.charges?.map(given) ?? [op]) costs.set(keyOf(of), whole((costs.get(keyOf(of)) ?? 0) + whole(cost)));
  const isRedis = decision?.source === 'redis';
  const isOfNode = isRedis && decision.node;
  const [node, decidedUs] = isOfNode ? [decision.node, decisionId === undefined && isNumber(decision.atUs) ? decision.atUs : undefined] : [];
  const shownUs = isOfNode && decision.level !== undefined && op.charges === undefined ? (decision.bucketUs ?? undefined) : undefined; // the moment, by the clock of its node
  history.aheadUs = Math.max(history.aheadUs, isRedis && isNumber(decision.bucketUs) ? decision.bucketUs - decision.atUs || 0 : 0);
  const [charges, isShared] = [costs.size > 1 ? [] : undefined, goesOn && op.charges !== undefined]; // all or none
  for (const [key, cost] of costs) {
    const row = {
      role,
      machine,
      part,
      from,
      until,
      cost,
      isLocal,
      name,
      held,
      charges,
      isShared,
      isUnclear,
      expires,
      of: listIn(history.buckets, key),
      shownUs,
      node,
      decidedUs,
    };
    const surplus = maxCharge !== undefined ? maxCharge - (role === DENIAL ? 0 : Math.max(0, cost)) : mayReach ? cost : 0;
    if (surplus > 0 && role !== NOTHING) row.surplus = { role: MAYBE, machine, from, until: latest, cost: surplus, of: row.of };
    if (row.surplus !== undefined && decisionId !== undefined) row.shownUs = undefined; // they count as attempts of one decision
    if (decisionId !== undefined) {
      const attempts = listIn(history.attempts, `${key} ${Math.sign(cost)} ${name} ${decisionId}`);
      const isSame = name === 'settle' || name === 'expire' || attempts.every((one) => one.cost === cost);
      if (attempts.push(row) > 1 && !isSame) refuse('attempts of one decision differ in cost');
      if (new Set(attempts.flatMap((one) => one.held ?? [])).size > 1) refuse('attempts of one reservation hold different numbers of tokens');
    }
    for (const list of [row.of, charges]) list?.push(row);
  }
}

/** Attempts of one decision charge once: until the first that allows it, else as one open charge. Later ones may make again what expires. */
export function joinAttempts(rows) {
  const [allowed, open] = [TAKE, MAYBE].map((role) => rows.filter((row) => row.role === role));
  const [admitted, possible] = allowed.some(({ isLocal }) => !isLocal) ? [allowed.filter(({ isLocal }) => !isLocal), []] : [allowed, open];
  const [from, cost, madeUs] = [rows.map((row) => row.from), rows.map((row) => row.cost), admitted.map((row) => row.until)].map(least);
  if (rows.some(({ machine }) => machine !== rows[0].machine)) refuse('a decision has attempts on several machines');
  const mayBeAgain = cost > 0 && possible.length === 0 && rows.some(({ expires }) => expires);
  const again = mayBeAgain ? [...admitted, ...open].filter((row) => !row.isLocal && row.from > madeUs) : [];
  const admitting = admitted.filter((row) => !again.includes(row));
  for (const row of rows) row.shownUs = undefined; // it is unknown which attempt charged
  for (const { surplus } of rows) if (surplus !== undefined) surplus.role = NOTHING; // the checker joins these
  for (const row of admitting.length > 0 ? rows : possible) row.role = again.includes(row) ? MAYBE : NOTHING;
  if (admitting.length > 0) Object.assign(admitting[0], { role: TAKE, cost, from, until: madeUs });
  if (possible.length > 0) Object.assign(possible[0], { role: MAYBE, cost, from, until: most(possible.map(({ until }) => until)) });
}
