// What a run is compared by, from its report. Excess and decided share are those of the matrix.
import { basename } from 'node:path';
import { makeCell } from '../../dist/report/matrix.js';

const SHORT_US = 100_000;

/** `{ scenario, seed, verdict, reason, figures, roles, faults, ... }`. `report` as `openclaw-rl run --json` writes it. */
export function figuresOf(report) {
  const { plan, seed, verdict, startedAt, system, sent, requestsPerSecond, loadMs } = report;
  const { figures, reason } = makeCell(report);
  return {
    ...{ scenario: plan.scenario, strategy: plan.strategy, seed, verdict, reason, startedAt, system },
    run: basename(report.folder),
    ...{ requests: sent, perSecond: requestsPerSecond, loadMs: Math.round(loadMs) },
    figures,
    roles: rolesOf(report),
    faults: faultsOf(report),
  };
}

/**
 * Changes of roles from the first inject until the system has settled by itself, at most until the load ends: what
 * follows is our own work, which brings primaries home. Changes of slots only are left out.
 */
function rolesOf({ plan, faults, events }) {
  const injectUs = firstInject(faults);
  if (injectUs === undefined) return [];
  const healUs = faults.findLast(({ phase }) => phase === 'heal')?.atUs ?? injectUs;
  const settledUs = faults.find(({ phase, atUs }) => phase === 'settled' && atUs >= healUs)?.atUs;
  const loadEndUs =
    injectUs + 1_000 * (plan.load.durationMs - Math.min(...plan.faults.map(({ atMs }) => atMs)));
  const endUs = Math.min(settledUs ?? loadEndUs, loadEndUs);
  const changes = events
    .filter(({ event, args }) => event === 'role' && args.from !== args.to)
    .filter(({ atUs }) => atUs >= injectUs && atUs <= endUs)
    .map(({ node, atUs, args: { from, to } }) => ({ node, from, to, afterUs: atUs - injectUs }));
  return withoutShort(changes);
}

/** Without roles that a node has for so short a time that a watch which asks every 50 ms may miss them. */
function withoutShort(changes) {
  const kept = [];
  for (const change of changes) {
    const at = kept.findLastIndex(({ node }) => node === change.node);
    const before = kept[at];
    if (before === undefined || change.afterUs - before.afterUs >= SHORT_US) kept.push(change);
    else if (before.from === change.to) kept.splice(at, 1);
    else kept[at] = { ...change, from: before.from };
  }
  return kept.sort((a, b) => a.afterUs - b.afterUs);
}

function faultsOf({ faults }) {
  const injectUs = firstInject(faults);
  return faults.map(({ fault, phase, atUs }) => ({ fault, phase, afterUs: atUs - injectUs }));
}

/** Faults are recorded in the order of their times. */
function firstInject(faults) {
  return faults.find(({ phase }) => phase === 'inject')?.atUs;
}
