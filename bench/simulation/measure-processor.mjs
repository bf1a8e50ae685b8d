// Measures the processor time that each process of a real run takes for a request. It is counted once the programs are
// warm: from 6 s after the first request until a second before the end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { machineTimes, processorTimes } from '../processor-times.mjs';
import { runProgram } from './runs.mjs';

const EVERY_MS = 250;
const WARM_MS = 6_000;
const BEFORE_END_MS = 1_000;

const ROLES = {
  load: / run \S+ --seed /,
  gateways: / serve gateway /,
  services: / serve rating /,
  nodes: /^(redis|valkey)-server /,
  proxies: / regional-toxiproxy /,
};

/**
 * `{ scenario, perSecond, us, total, others }`: requests a second; microseconds of processor time a request, by role and in
 * all; and the share of the processors that other programs took. `folder` is for what the run writes.
 */
export async function measureProcessor({ scenario, seed, server }, folder) {
  const samples = [];
  const over = new AbortController();
  const sampling = sample(folder, samples, over.signal);
  const where = ['--server', server, '--reports', join(folder, 'reports'), '--json'];
  const running = runProgram(['run', scenario, '--seed', String(seed), ...where], folder);
  const { stdout } = await running.finally(() => over.abort());
  await sampling;
  const completedMs = completionsOf(JSON.parse(stdout).folder);
  const [startMs, endMs] = [completedMs[0] + WARM_MS, completedMs.at(-1) - BEFORE_END_MS];
  const [first, last] = endsOf(samples.filter(({ atMs }) => atMs >= startMs && atMs <= endMs));
  if (last === first) throw new Error(`${scenario} was over before it was measured`);
  const requests = completedMs.filter((atMs) => atMs >= first.atMs && atMs <= last.atMs).length;
  const spentMs = (role) => last.spentMs[role] - first.spentMs[role];
  const us = Object.fromEntries(Object.keys(ROLES).map((role) => [role, (1e3 * spentMs(role)) / requests]));
  const total = Object.values(us).reduce((sum, each) => sum + each, 0);
  const [allMs, idleMs] = [last.allMs - first.allMs, last.idleMs - first.idleMs];
  return {
    ...{ scenario, perSecond: (1e3 * requests) / (last.atMs - first.atMs), us, total },
    others: 1 - (idleMs + (total * requests) / 1e3) / allMs,
  };
}

/** When requests were answered, oldest first: milliseconds since 1970. */
function completionsOf(folder) {
  const [header, ...lines] = readFileSync(join(folder, 'history.ndjson'), 'utf8').trimEnd().split('\n');
  const originMs = Date.parse(JSON.parse(header).startedAt);
  const completedUs = lines.flatMap((line) => JSON.parse(line).completedUs ?? []);
  return completedUs.map((us) => originMs + us / 1e3).sort((a, b) => a - b);
}

function endsOf(list) {
  return [list[0], list.at(-1)];
}

async function sample(folder, samples, signal) {
  while (!signal.aborted) {
    const spentMs = Object.fromEntries(Object.keys(ROLES).map((role) => [role, 0]));
    for (const { role, ms } of processorTimes(folder, ROLES)) spentMs[role] += ms;
    samples.push({ atMs: Date.now(), spentMs, ...machineTimes() });
    await delay(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
