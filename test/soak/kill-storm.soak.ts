import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { type CliRun, runCli, startCli, testFolder } from '../support/cli.ts';
import { leftAfter } from '../support/leftovers.ts';
import { SERVERS } from '../support/server.ts';
import { logSoak } from '../support/soak-log.ts';

/** `KILL_ROUNDS=20 KILL_SEED=7 npm run soak -- test/soak/kill-storm.soak.ts` */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 200);
const SEED = Number(process.env.KILL_SEED ?? 1);

const LOAD = ['--connections', '20', '--users', '4', '--skew', '0', '--duration', '3s', '--ramp', '0'];
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  up: ['up'],
  bench: ['bench', ...LOAD],
  chaos: ['chaos', 'partition', '--isolate', 'eu-west', '--at', '1s', '--for', '1s', ...LOAD],
  run: ['run', 'storm.yaml'],
  matrix: ['matrix', '--strategy', 'central', '--scenario', 'storm.yaml'],
  down: ['down'],
};
/** How long each may run before it is hit. */
const MOST_MS: Readonly<Record<string, number>> = { up: 3_000, down: 500 };
const VICTIMS = ['program', 'program', 'program', 'guard', 'service', 'node', 'toxiproxy'];

interface Owned {
  readonly pid: number;
  readonly command: string;
}

/** All processes that were started with the state folder of this test, whatever mark they carry. */
function processesOf(folder: string): Owned[] {
  const mark = `OPENCLAW_RL_STATE=${join(folder, 'state')}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').includes(mark)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return command === '' ? [] : [{ pid: Number(name), command }]; // a zombie has none
      } catch {
        return []; // it ended while we looked, or is not ours
      }
    });
}

const KINDS: Readonly<Record<string, (command: string) => boolean>> = {
  guard: (command) => /^(\/bin\/)?sh -c/.test(command),
  service: (command) => / serve (rating|gateway) /.test(command) && !command.includes('sh -c'),
  node: (command) => /^\S*(redis|valkey)-server /.test(command),
  toxiproxy: (command) => / regional-toxiproxy /.test(command) && !command.includes('sh -c'),
};

/** Kills one process of the kind; of a guard all shells, which have one command line. Returns what was hit. */
function hit(kind: string, { child }: CliRun, folder: string, draw: () => number): string {
  const program = { pid: child.pid ?? 0, command: 'program' };
  const candidates = processesOf(folder).filter(({ command }) => KINDS[kind]?.(command));
  const one = candidates[Math.floor(draw() * candidates.length)] ?? program;
  const all = kind === 'guard' ? candidates.filter(({ command }) => command === one.command) : [one];
  for (const { pid } of all.length === 0 ? [program] : all) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it has ended by itself
  }
  return one === program ? 'program' : kind;
}

async function endOf(run: CliRun): Promise<number | string> {
  const late = new Promise<string>((resolve) =>
    setTimeout(resolve, 120_000, 'still runs after 120 s').unref(),
  );
  return Promise.race([run.ended, late]);
}

it(`leaves nothing after down --all, and up works, ${ROUNDS} kills in a row`, {
  timeout: 3 * 3_600_000,
}, async () => {
  const random = makeRandom(SEED, 'kill-storm');
  const rows = new Map<string, { kills: number; hits: number }>();
  const folder = testFolder();
  writeFileSync(
    join(folder, 'storm.yaml'),
    '# A short load.\npolicy: 20:5/s\nload: { users: 4, connections: 20, duration: 3s }\nclaims: [info <= 90%]\n',
  );
  for (let round = 1; round <= ROUNDS; round++) {
    const names = Object.keys(COMMANDS);
    const name = names[Math.floor(random() * names.length)] ?? '';
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? '';
    const afterMs = Math.round(random() * (MOST_MS[name] ?? 8_000));
    const server = SERVERS[round % SERVERS.length] ?? '';
    if (name === 'down') expect((await runCli(['up', '--server', server], { cwd: folder })).code).toBe(0);
    const run = startCli([...(COMMANDS[name] ?? []), ...(name === 'down' ? [] : ['--server', server])], {
      cwd: folder,
    });
    await Promise.race([run.ended, new Promise((resolve) => setTimeout(resolve, afterMs))]);
    const wasRunning = run.child.exitCode === null;
    const was = wasRunning ? hit(victim, run, folder, random) : 'nothing: it had ended';
    const code = await endOf(run);
    const story = `round ${round}: ${name}, ${was} killed after ${afterMs} ms on ${server}: ${code}\n${run.output.stderr.slice(-600)}`;
    expect(String(code), story).not.toMatch(/still runs|^64$|^70$/);
    const down = await runCli(['down', '--all', '--yes'], { cwd: folder });
    expect(down.code, `${story}\ndown: ${down.stderr}`).toBe(0);
    expect(await leftAfter(() => processesOf(folder), { timeout: 5_000 }), story).toEqual([]);
    const clusters = join(folder, 'state/clusters');
    expect(existsSync(clusters) ? readdirSync(clusters) : [], story).toEqual([]);
    const up = await runCli(['up', '--server', server], { cwd: folder });
    expect(up.code, `${story}\nup: ${up.stderr}`).toBe(0);
    expect((await runCli(['down'], { cwd: folder })).code, story).toBe(0);
    const key = `| ${name} | ${wasRunning ? was : victim} |`;
    const { kills = 0, hits = 0 } = rows.get(key) ?? {};
    rows.set(key, { kills: kills + 1, hits: hits + (wasRunning ? 1 : 0) });
    process.stderr.write(`${round} ${name} ${was} ${afterMs} ms: ${code}\n`);
  }
  logSoak('kill storm', [
    `Seed ${SEED}. After each kill: \`down --all --yes\` leaves no process and no state, and the next \`up\` works.`,
    '',
    '| command | killed | rounds | it was running |',
    '| --- | --- | --- | --- |',
    ...[...rows].sort().map(([key, { kills, hits }]) => `${key} ${kills} | ${hits} |`),
  ]);
});
