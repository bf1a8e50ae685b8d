import { LEASE_SWITCHES, type LeaseSwitches } from '../../../src/limiter/strategies/lease/protocol.ts';
import { ClusterClient } from '../../../src/simulation/client/cluster-client.ts';
import { ServiceProcess } from '../../../src/simulation/service/process.ts';
import { all, type Change, clocks, inScripts, patch, type Undo } from './patches.ts';

export type Rule = keyof LeaseSwitches;

const LIFE = 'full = math.max(full, each[7] + timeUntil(0, most * unit, refill))';
const HELD = '  table.remove(accounts, first)\n';
const UNKNOWN = 'if not found and seq > 1 then\n';
const KEPT = 'tonumber(unit), tonumber(kept)\n';
/** The default of a lease. */
const MARGIN_US = 500_000;
const STALE = 'local stale = seq < account[3]\n';

/** Rules of home that are a text of its script, and what stands there without the rule. */
export const IN_SCRIPT = {
  outstandingTakesRoom: ['  room = room - outstanding(account) * unit\n', ''],
  endedAccountsStayEnded: [
    UNKNOWN,
    `${UNKNOWN}level = math.min(capacity, level + returned * unit)\n${packed()}redis.call('PSETEX', KEYS[1], lifeMs, packed)\n`,
  ],
  keyOutlivesAccounts: [LIFE, ''],
  keyOutlivesRefill: [LIFE, 'full = math.max(full, each[7])'],
  takenBackAfterMargin: [KEPT, `tonumber(unit), tonumber(kept) - ${MARGIN_US}\n`],
  unknownIsSpent: [HELD, `level = math.min(capacity, level + outstanding(accounts[first]) * unit)\n${HELD}`],
  repeatsAreWritten: [
    STALE,
    `if found and seq == account[3] then\nreturn { 0, account[4], level, #accounts + 1, clock, behind }\nend\n${STALE}`,
  ],
} as const satisfies Partial<Record<Rule, Change>>;

/** Rules of a holder that its switches remove. */
export const IN_HOLDER = [
  'returnsLeaveFirst',
  'termBeginsAtSending',
  'termIsReadAtEveryDecision',
  'repeatedByTheSameNumber',
  'grantedIsAsHomeHasIt',
] as const satisfies readonly Rule[];

/**
 * Removes a rule of the lease protocol from the code that a simulation runs, until it is undone: rules of holders by their
 * switches, rules of home by a change of lua/lease.lua, others by what a process reads of its surroundings. `grantsAreAcked`
 * is not here: the strategy `lease-unacked` does without it.
 */
export const REMOVE: Readonly<Record<Exclude<Rule, 'grantsAreAcked'>, () => Undo>> = {
  ...withEach(Object.keys(IN_SCRIPT) as (keyof typeof IN_SCRIPT)[], (rule) =>
    inScripts(['lease'], [IN_SCRIPT[rule]]),
  ),
  ...withEach(IN_HOLDER, switchOff),
  usedIsCumulative: () =>
    all(
      inScripts(['lease'], [['account[5] = math.max(account[5], used)', 'account[5] = account[5] + used']]),
      sayUsedSinceRequest(),
    ),
  holderClockIsMonotonic: () => clocks((us, loadUs) => (loadUs < STEPS_AT_US ? us : us - STEP_US)),
  restartIsAnotherHolder: keepHolders,
};

/** When the clocks of all processes step back, and by how much. */
const STEPS_AT_US = 5_000_000;
const STEP_US = 3_000_000;

function withEach<R extends Rule>(rules: readonly R[], remove: (rule: R) => Undo): Record<R, () => Undo> {
  return Object.fromEntries(rules.map((rule) => [rule, () => remove(rule)])) as Record<R, () => Undo>;
}

/** The statements that pack a bucket. */
function packed(): string {
  return `
local full = updatedAt + timeUntil(level, most * unit, refill)
local parts = { struct.pack('<dddd', updatedAt, level, unit, most) }
for _, each in ipairs(accounts) do
  full = math.max(full, each[7])
  parts[#parts + 1] = struct.pack('<ddddddd', unpack(each))
end
parts[#parts + 1] = string.char(#accounts == 0 and 1 or 0)
local packed, lifeMs = table.concat(parts), math.ceil((full - clock) / 1000) + 60000
`;
}

function switchOff(rule: Rule): Undo {
  LEASE_SWITCHES[rule] = false;
  return () => {
    LEASE_SWITCHES[rule] = true;
  };
}

/** Requests say what was used since the request before; a repeated one, since the request before its first time. */
function sayUsedSinceRequest(): Undo {
  const said = new Map<string, { readonly seq: string; readonly before: number; readonly used: number }>();
  const changed = new WeakSet<object>();
  return patch(
    ClusterClient.prototype,
    'send',
    (was) =>
      function (this: ClusterClient, sent) {
        const { command } = sent;
        if (command.name === 'script' && command.script.name === 'lease' && !changed.has(command)) {
          changed.add(command);
          const [terms = '', request = ''] = command.args;
          const [holder, number, seq = '', used, ...rest] = request.split(' ');
          const name = `${command.keys[0]} ${holder} ${number}`;
          const last = said.get(name) ?? { seq: '', before: 0, used: 0 };
          const before = last.seq === seq ? last.before : last.used;
          said.set(name, { seq, before, used: Number(used) });
          const args = [terms, [holder, number, seq, Number(used) - before, ...rest].join(' ')];
          Object.assign(command, { args });
        }
        was.call(this, sent);
      },
  );
}

/** The first process of each region in their order, and then those of eu-west: a restarted process has the number of the one before. */
function keepHolders(): Undo {
  let started = 0;
  return patch(ServiceProcess.prototype, 'randomUpTo', () => () => (++started <= 3 ? started : 2));
}
