import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { type Bed, bedLack, onBed, startBed, type Wire } from '../support/swarm/bed.ts';
import { killOnSwarm } from '../support/swarm/swarm-kill.ts';
import { runOnSwarm, type SwarmRun } from '../support/swarm/swarm-run.ts';

/** Drains each bucket. */
const LOAD_S = 8;
const RATE = 100;
const LOAD = ['--duration', String(LOAD_S), '--rate', String(RATE), '--connections', '60', '--ramp', '0.5'];
const USERS = ['--users', '6', '--skew', '0', '--roaming', '1', '--policy', '20:5/s'];
const CLAIMS = ['--claim', 'total-excess <= 0', '--claim', 'false-denials <= 0'];

let bed: Bed;

describe.skipIf(bedLack !== undefined)(`a run ${onBed}`, { timeout: 300_000 }, () => {
  beforeAll(async () => {
    bed = await startBed();
  }, 120_000);
  afterAll(() => bed?.stop());

  it('passes, and has the books of each part and of all', async () => {
    const { code, report } = await runOnSwarm(bed, ['bench', ...LOAD, ...USERS, ...CLAIMS]);
    expect([report.verdict, report.troubles, code]).toEqual(['pass', [], 0]);
    const { files = [], missing, control, isWhole } = report.parts ?? {};
    expect(files.map(({ part }) => part).sort()).toEqual(['ap-south', 'eu-west', 'us-east']);
    expect([missing, control?.isComplete, isWhole]).toEqual([[], true, true]);
    for (const { part, sent, outcomes } of files) expect(sumOf(Object.values(outcomes)), part).toBe(sent);
    expect(sumOf(files.map(({ sent = 0 }) => sent))).toBe(report.sent);
    expect(report.sent + sumOf(files.map(({ dropped }) => dropped))).toBe(LOAD_S * RATE);
    expect(new Set(report.machines?.map(({ machine }) => machine)).size).toBe(4); // and that of the command
  });

  it('fails with the script of the article', async () => {
    const { code, report } = await runOnSwarm(bed, [
      'bench',
      '--strategy',
      'article',
      ...LOAD,
      ...USERS,
      ...CLAIMS,
    ]);
    expect([report.verdict, code]).toEqual(['fail', 1]);
    expect(report.overAdmission.total).toBeGreaterThan(0);
  });

  it('names a part that was killed, and accuses nothing', async () => {
    let isKilled = false;
    const { report } = await runOnSwarm(bed, ['bench', ...LOAD, ...USERS, ...CLAIMS], {
      meanwhile(said, { child }) {
        if (isKilled || !/ load {7}[3-9]/.test(said)) return;
        isKilled = true;
        void killLoad('eu-west', child.pid ?? 0);
      },
    });
    expect(report.verdict).toBe('unknown');
    expectNoAccusation(report);
    expect(report.parts?.missing).toEqual(['eu-west']);
    expect(report.troubles.join('\n')).toContain(
      'load-eu-west on eu-west ended with exit code 137 (SIGKILL)',
    );
  });

  it('stays within its bound while the data wire of a machine is pulled', async () => {
    const { report } = await runWithout(['data']);
    expectProved(report);
    expectNoAccusation(report);
    expect([report.verdict, report.parts?.missing]).toEqual(['pass', []]);
  });

  it('knows its clocks less while both wires are pulled', async () => {
    const { report } = await runWithout(['data', 'control']);
    expectProved(report);
    expectNoAccusation(report);
    const errorUs = (part: string) =>
      report.machines?.find(({ parts }) => parts.includes(part))?.errorUs ?? Number.NaN;
    expect(errorUs('eu-west')).toBeGreaterThan(2 * errorUs('us-east'));
    if (report.verdict !== 'pass') expect([report.verdict, report.troubles]).not.toEqual(['unknown', []]);
  });

  it('that was killed leaves nothing after `down --all --yes`', async () => {
    const random = makeRandom(Date.now() % 1_000, 'swarm-kill');
    expect((await killOnSwarm(bed, ['bench', ...LOAD, ...USERS], 15_000 * random())).left).toEqual([]);
  });
});

type Report = SwarmRun['report'];

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

/** For 10 of 20 s; the command that proves it sees the end of the wire at the machine. */
async function runWithout(wires: readonly Wire[]): Promise<SwarmRun> {
  const each = (command: string) =>
    wires.map((wire) => `${bed.folder}/${command} eu-west ${wire}`).join(' && ');
  const sees = wires.map((wire) => `${bed.folder}/eu-west ip link show ${wire} | grep -q NO-CARRIER`);
  const fault = ['--inject', each('pull'), '--heal', each('plug'), '--proof', sees.join(' && ')];
  const when = ['--at', '3s', '--for', '10s', '--duration', '20', '--rate', '150', '--connections', '60'];
  const claims = ['--claim', 'total-excess <= bound'];
  return runOnSwarm(bed, ['chaos', 'command', ...fault, ...when, ...USERS, ...claims]);
}

function expectProved({ faults, notes }: Report): void {
  expect(faults.map(({ phase }) => phase)).toEqual(['inject', 'heal']);
  expect(JSON.stringify(notes)).not.toContain('not proved');
}

function expectNoAccusation({ overAdmission, replay, verdict }: Report): void {
  expect([verdict === 'fail', overAdmission.total, replay.total]).toEqual([false, 0, 0]);
}

/** Kills the load of this run on a machine, as its machine would that has no memory left. */
async function killLoad(region: string, pid: number): Promise<void> {
  const machine = bed.machine(region);
  const format = ['--format', '{{.ID}} {{.Label "openclaw-rl.owner"}}'];
  const found = await machine.docker([
    'ps',
    '--filter',
    `label=openclaw-rl.service=load-${region}`,
    ...format,
  ]);
  const [id] = found
    .split('\n')
    .flatMap((line) => (line.includes(` ${pid}:`) ? [line.split(' ')[0] ?? ''] : []));
  if (id !== undefined) await machine.docker(['kill', id]);
}
