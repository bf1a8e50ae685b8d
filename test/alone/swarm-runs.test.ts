import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { hasEvidence, proved } from '../support/proved.ts';
import { type Bed, bedLack, onBed, startBed, type Wire } from '../support/swarm/bed.ts';
import { killOnSwarm, stackObjects } from '../support/swarm/swarm-kill.ts';
import { endOnSwarm, runOnSwarm, type SwarmRun } from '../support/swarm/swarm-run.ts';

/** Drains each bucket: a user sends 12 requests a second. */
const LOAD_S = 8;
const RATE = 75;
const USERS = ['--users', '6', '--skew', '0', '--roaming', '1', '--policy', '20:5/s'];
const LOAD = [...USERS, '--duration', `${LOAD_S}`, '--rate', `${RATE}`, '--connections', '240'];
const CLAIMS = ['--claim', 'total-excess <= 0', '--claim', 'false-denials <= 0'];
/** Its requests wait for Redis, which is away for 10 s; the 8 s after it show that the sides count together again. */
const CUT = ['--at', '2s', '--for', '10s', '--duration', '20', '--rate', '90', '--connections', '240'];

let bed: Bed;

describe.skipIf(bedLack !== undefined)(`a run ${onBed}`, { timeout: 300_000 }, () => {
  beforeAll(async () => {
    bed = await startBed();
  }, 120_000);
  afterAll(() => bed?.stop());

  it('passes, and has the books of each part and of all', async () => {
    const { code, report } = await runOnSwarm(bed, ['bench', ...LOAD, ...CLAIMS]);
    expect([report.verdict, doubtsOf(report), code]).toEqual(['pass', [], 0]);
    const { files = [], missing, control, isWhole } = report.parts ?? {};
    expect(files.map(({ part }) => part).sort()).toEqual(['ap-south', 'eu-west', 'us-east']);
    expect([missing, control?.isComplete, isWhole]).toEqual([[], true, true]);
    for (const { part, sent, outcomes } of files) expect(sumOf(Object.values(outcomes)), part).toBe(sent);
    expect(sumOf(files.map(({ sent = 0 }) => sent))).toBe(report.sent);
    expect(report.sent + sumOf(files.map(({ dropped }) => dropped))).toBe(LOAD_S * RATE);
    expect(new Set(report.machines?.map(({ machine }) => machine)).size).toBe(4); // and that of the command
  });

  // These run side by side: whatever one does to the machine, the others show the same.
  it.concurrent('fails with the script of the article', async ({ onTestFinished: onFinished }) => {
    const article = ['bench', '--strategy', 'article', ...LOAD, ...CLAIMS];
    const { code, report } = await runOnSwarm(bed, article, { onFinished });
    expect([report.verdict, code]).toEqual(['fail', 1]);
    expect(report.overAdmission.total).toBeGreaterThan(0);
  });

  it.concurrent('names a part that was killed, and accuses nothing', async ({
    onTestFinished: onFinished,
  }) => {
    let hurt: unknown;
    const { report, code } = await runOnSwarm(bed, ['bench', ...LOAD, '--duration', '12', ...CLAIMS], {
      onFinished,
      meanwhile(said, { child }) {
        if (hurt === child || !BEGINS.test(said)) return;
        hurt = child; // a run that was late starts again
        void killLoad('eu-west', child.pid ?? 0);
      },
    });
    expect([report.verdict, code]).toEqual(['unknown', 2]);
    expectNoAccusation(report);
    expect(report.parts?.missing).toEqual(['eu-west']);
    expect(JSON.stringify([report.troubles, report.notes, report.events])).toContain(
      'load-eu-west on eu-west ended with exit code 137 (SIGKILL)',
    );
  });

  it.concurrent('that is interrupted heals its faults and removes its services', async ({
    onTestFinished: onFinished,
  }) => {
    const file = join(bed.folder, 'fault');
    const fault = ['--inject', `touch ${file}`, '--heal', `rm ${file}`, '--proof', `test -e ${file}`];
    const args = ['chaos', 'command', ...fault, '--at', '1s', '--for', '6s', ...LOAD];
    let wasInjected = false;
    const { code, stderr } = await endOnSwarm(bed, args, {
      onFinished,
      meanwhile(said, { child }) {
        if (wasInjected || !LOADS.test(said) || !existsSync(file)) return;
        wasInjected = true;
        child.kill('SIGINT');
      },
    });
    expect([code, wasInjected, existsSync(file)], stderr).toEqual([130, true, false]);
    const [, folder = ''] = /its logs are in (\S+)/.exec(stderr) ?? [];
    const [run = ''] = readdirSync(join(folder, 'parts')); // the name of its stack, and a hash
    const name = run.slice(0, run.lastIndexOf('-'));
    expect(name).toMatch(/^openclaw-\w+$/);
    const look = () => Promise.all(bed.machines.map((machine) => stackObjects(machine, name)));
    // Docker removes a container a moment after it has ended.
    await vi.waitFor(async () => expect((await look()).flat()).toEqual([]), { timeout: 20_000 });
  });

  it('stays within its bound, and knows a clock less, while both wires of a machine are pulled', async () => {
    const { report } = await runWithout(['data', 'control']);
    expectProved(report);
    const clockOf = (part: string) => report.machines?.find(({ parts }) => parts.includes(part));
    // Within 10 s without a reading two clocks may drift apart by 10 ms; these drift by less than half of it.
    expect(clockOf('eu-west')?.errorUs).toBeGreaterThan(4_000);
    expectWithinBound(report);
  });

  it('that was killed leaves nothing after `down --all --yes`', async () => {
    const seed = Date.now() % 1_000;
    const afterMs = 15_000 * makeRandom(seed, 'swarm-kill')();
    const { left, last } = await killOnSwarm(bed, ['bench', ...LOAD], afterMs);
    expect(left, `seed ${seed}, killed after ${afterMs} ms: ${last}`).toEqual([]);
  });
});

type Report = SwarmRun['report'];

/** The load has begun: on a busy machine it takes seconds to find a container and kill it. */
const BEGINS = / load +[1-9]\d*\//;

/** Some seconds of the load are over. */
const LOADS = / load {7}[3-6]\//;

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

/** Why a verdict is not `pass`. */
function doubtsOf({ claims, troubles }: Report): string[] {
  return [...troubles, ...claims.flatMap(({ status, reason }) => (status === 'holds' ? [] : [reason]))];
}

/** For 10 s; the command that proves it sees the end of the wire at the machine. */
async function runWithout(wires: readonly Wire[]): Promise<SwarmRun> {
  const each = (command: string) =>
    wires.map((wire) => `${bed.folder}/${command} eu-west ${wire}`).join(' && ');
  const sees = wires.map((wire) => `${bed.folder}/eu-west ip link show ${wire} | grep -q NO-CARRIER`);
  const fault = ['--inject', each('pull'), '--heal', each('plug'), '--proof', sees.join(' && ')];
  const args = ['chaos', 'command', ...fault, ...USERS, ...CUT, '--claim', 'total-excess <= bound'];
  return proved(() => runOnSwarm(bed, args), hasEvidence);
}

function expectProved({ faults, parts, notes }: Report): void {
  expect(faults.map(({ phase }) => phase)).toEqual(['inject', 'heal']);
  expect(JSON.stringify(notes)).not.toContain('not proved');
  const cut = parts?.files.find(({ part }) => part === 'eu-west');
  expect(cut?.outcomes.failed).toBeGreaterThan(0);
}

/** A takeover may give away what is declared. Requests that wait for Redis, on a machine that is busy with more than this, may fill the connections; nothing else is doubted. */
function expectWithinBound(report: Report): void {
  expect(report.parts?.missing).toEqual([]);
  expect(report.claims.find(({ claim }) => claim === 'total-excess <= bound')?.status).toBe('holds');
  expect(doubtsOf(report).filter((doubt) => !BUSY.test(doubt))).toEqual([]);
  expect(report.verdict).toBe(doubtsOf(report).length === 0 ? 'pass' : 'unknown');
}

const BUSY = /the load generator stalled|requests that were due were dropped/;

function expectNoAccusation({ overAdmission, replay, verdict }: Report): void {
  expect([verdict === 'fail', overAdmission.total, replay.total]).toEqual([false, 0, 0]);
}

/** Kills the load of this run on a machine, as its machine would that has no memory left. */
async function killLoad(region: string, pid: number): Promise<void> {
  const machine = bed.machine(region);
  const format = ['--format', '{{.ID}} {{.Label "openclaw-rl.owner"}}'];
  const filter = ['--filter', `label=openclaw-rl.service=load-${region}`];
  const loads = (await machine.docker(['ps', ...filter, ...format])).split('\n');
  const [id = ''] = loads.find((line) => line.includes(` ${pid}:`))?.split(' ') ?? [];
  await machine.docker(['kill', id]);
}
