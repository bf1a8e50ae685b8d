// Compares simulated runs of a scenario with real ones. Pure: runs are what figures.mjs makes of reports.
import { EXCESS, EXCESS_TOKENS, ROLE_US, SHARE } from './tolerances.mjs';

/**
 * One row for each quantity: `{ scenario, quantity, real, simulated, tolerance, isWithin, why }`, with texts for people.
 * `real` and `simulated` are the runs of one scenario with several seeds, at least one of each.
 */
export function compareScenario(scenario, real, simulated) {
  return [
    wordRow('verdict', real, simulated, ({ verdict }) => verdict),
    wordRow('bound', real, simulated, ({ figures: { excess } }) => boundWord(excess)),
    excessRow(real, simulated),
    ...shareRows(real, simulated),
    ...roleRows(real, simulated),
  ].map((row) => ({ scenario, ...row }));
}

/** Whether the sets of words agree: a simulated seed may only end as some real seed did. */
function wordRow(quantity, real, simulated, wordOf) {
  const words = (runs) => [...new Set(runs.map(wordOf))].sort();
  const [wanted, found] = [words(real), words(simulated)];
  const other = found.find((word) => !wanted.includes(word));
  return {
    ...{ quantity, real: wanted.join(', '), simulated: found.join(', '), tolerance: 'none' },
    ...judged(other === undefined ? '' : `${other} in no real seed`),
  };
}

function boundWord({ measured, declared }) {
  if (declared === null) return 'not declared';
  return measured > declared ? 'exceeded' : 'kept';
}

function excessRow(real, simulated) {
  const of = (runs) => runs.map(({ figures }) => figures.excess.measured);
  return rangeRow({
    quantity: `excess, tokens${real[0].figures.excess.of === 'window' ? ' in one window' : ''}`,
    ...{ real: of(real), simulated: of(simulated) },
    widened: ({ least, most }) => ({
      least: least - Math.max(EXCESS * least, EXCESS_TOKENS),
      most: most + Math.max(EXCESS * most, EXCESS_TOKENS),
    }),
    tolerance: `${percentText(EXCESS)}, at least ${EXCESS_TOKENS} token`,
    text: (tokens) => tokens.toFixed(1),
  });
}

function shareRows(real, simulated) {
  return real[0].figures.availability.map(({ regions }, at) => {
    const of = (runs) => runs.map(({ figures }) => figures.availability[at]?.share ?? null);
    return rangeRow({
      quantity: `decided, ${regions.join(' and ')}`,
      ...{ real: of(real), simulated: of(simulated) },
      widened: ({ least, most }) => ({ least: least - SHARE, most: most + SHARE }),
      tolerance: `${(100 * SHARE).toFixed(0)} points`,
      text: percentText,
    });
  });
}

/** A row for each change of a node's role: its nth change from one role to another. */
function roleRows(real, simulated) {
  const [wanted, found] = [real, simulated].map((runs) => runs.map(({ roles }) => rolesByName(roles)));
  const names = [...new Set([...wanted, ...found].flatMap((roles) => [...roles.keys()]))].sort();
  return names.map((name) => {
    const times = (runs) => runs.flatMap((roles) => roles.get(name) ?? []);
    const row = rangeRow({
      quantity: name,
      ...{ real: times(wanted), simulated: times(found) },
      widened: ({ least, most }) => ({ least: least - ROLE_US, most: most + ROLE_US }),
      tolerance: `${ROLE_US / 1e3} ms`,
      text: (us) => (us / 1e6).toFixed(2),
      unit: ' s',
    });
    const [inReal, inSimulated] = [times(wanted).length, times(found).length];
    const missing = inReal === wanted.length && inSimulated < found.length;
    const [ofReal, ofSimulated] = [ofSeeds(inReal, wanted.length), ofSeeds(inSimulated, found.length)];
    return {
      ...row,
      ...{ real: `${row.real}${ofReal}`, simulated: `${row.simulated}${ofSimulated}` },
      ...judged(
        missing
          ? 'every real seed has it, not every simulated one'
          : inReal > 0
            ? row.why
            : 'no real seed has it',
      ),
    };
  });
}

function ofSeeds(count, seeds) {
  return count === seeds || count === 0 ? '' : ` (${count} of ${seeds} seeds)`;
}

/** Times by what happened: a second change of one kind is another event than the first. */
function rolesByName(roles) {
  const byName = new Map();
  for (const { node, from, to, afterUs } of roles) {
    const kind = `${node} ${from} to ${to}`;
    let [name, count] = [kind, 1];
    while (byName.has(name)) {
      count += 1;
      name = `${kind}, time ${count}`;
    }
    byName.set(name, afterUs);
  }
  return byName;
}

/** `null` is a value that no run could have: it agrees only with itself. */
function rangeRow({ quantity, real, simulated, widened, tolerance, text, unit = '' }) {
  const [wanted, found] = [real, simulated].map((values) => values.filter((value) => value !== null));
  const range = (values) => ({ least: Math.min(...values), most: Math.max(...values) });
  const shown = (values) => (values.length === 0 ? 'none' : rangeText(range(values), text, unit));
  const { least, most } = widened(range(wanted));
  const outside = wanted.length === 0 ? found : found.filter((value) => value < least || value > most);
  return {
    ...{ quantity, real: shown(wanted), simulated: shown(found), tolerance },
    ...judged(
      outside.length > 0
        ? `outside ${wanted.length === 0 ? 'of nothing' : rangeText({ least, most }, text, unit)}`
        : found.length < simulated.length && wanted.length === real.length
          ? 'a simulated seed has no value'
          : '',
    ),
  };
}

function rangeText({ least, most }, text, unit) {
  const [from, to] = [text(least), text(most)];
  return `${from === to ? from : `${from} to ${to}`}${unit}`;
}

function judged(why) {
  return { isWithin: why === '', why };
}

function percentText(share) {
  return `${(100 * share).toFixed(0)} %`;
}
