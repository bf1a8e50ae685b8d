import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commandEnvironment } from '../../src/cli/process/service-environment.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { FaultSchedule } from '../../src/experiment/fault-schedule.ts';
import { injectFault } from '../../src/faults/registry.ts';
import type { FaultContext } from '../../src/faults/support/fault.ts';
import { undoLeftBy } from '../../src/faults/support/undo.ts';
import type { CommandSpec } from '../../src/scenario/faults/command.ts';
import { testFolder } from '../support/cli.ts';
import { isRunning } from '../support/processes.ts';

const regions = {} as FaultContext['regions'];
const SOON = { timeout: 20_000 };

/** Injects commands in a folder of their own, which is that of the run, too. */
function commandsIn(folder: string, spec: Omit<CommandSpec, 'fault' | 'limitMs'> & { limitMs?: number }) {
  const stop = new AbortController();
  const injection = injectFault(
    { fault: 'command', limitMs: 60_000, ...spec },
    {
      ...{ regions, random: makeRandom(1), signal: stop.signal },
      shell: { folder, number: 2, cwd: folder, env: { PATH: process.env.PATH ?? '', TOKEN: 'of the cloud' } },
    },
  );
  injection.catch(() => {});
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { injection, stop, read, has: (file: string) => existsSync(join(folder, file)) };
}

/** Waits for a child that waits; the child's pid is in `grandchild`. */
const FOREVER = "sh -c 'echo $$ > new; mv new grandchild; sleep 600' & wait";

describe('a fault by commands', () => {
  it('runs inject, then until until it succeeds, and heal once; it keeps what they print', async () => {
    const { injection, read, has } = commandsIn(testFolder(), {
      inject:
        'echo cutting; echo "$TOKEN, $OPENCLAW_RL_FAULT" >&2; echo x >> asked; pwd > "$OPENCLAW_RL_RUN/where"',
      until: 'echo x >> asked; test "$(grep -c x asked)" -ge 3',
      heal: 'echo mending; echo x >> healed; mv asked was-asked',
    });
    const undo = await injection;
    expect(read('asked')).toBe('x\nx\nx\n');
    expect(has('healed')).toBe(false);
    await Promise.all([undo(), undo()]);
    await undo();
    expect(read('healed')).toBe('x\n');
    expect(read('where')).toMatch(/openclaw-rl-test-/);
    expect(read('faults/2-inject.log')).toMatch(
      /^\$ echo cutting;.*\n# started 20\S+Z\ncutting\nof the cloud, command 2 inject\n# exit code 0 after \d+\.\d{3} s\n$/,
    );
    expect(read('faults/2-until.log').match(/^# exit code [01] after/gm)).toHaveLength(2);
    expect(read('faults/2-heal.log')).toMatch(/\nmending\n# exit code 0/);
  });

  it('that cannot be injected heals what it did, and its error ends with the last lines', async () => {
    const { injection, has } = commandsIn(testFolder(), {
      inject: 'touch half; echo 1; echo 2; echo; echo 3; echo no access >&2; exit 3',
      heal: 'rm half; touch healed',
    });
    await expect(injection).rejects.toThrow(
      /^inject: exit code 3, last lines: 2 \| 3 \| no access; output: .*faults\/2-inject.log$/,
    );
    expect([has('half'), has('healed')]).toEqual([false, true]);
    expect(undoLeftBy(await injection.catch((error: unknown) => error))).toBeUndefined();
  });

  it('leaves its undo where neither inject nor heal succeeded', async () => {
    const { injection, has } = commandsIn(testFolder(), {
      inject: 'exit 1',
      heal: 'test -e again || { touch again; exit 1; }',
    });
    const undo = undoLeftBy(await injection.catch((error: unknown) => error));
    expect(has('again')).toBe(true);
    await undo?.();
    expect(undo).toBeDefined();
  });

  it('says of a heal that failed what to type, and tries it again', async () => {
    const folder = testFolder();
    const { injection } = commandsIn(folder, { inject: 'true', heal: 'echo no route; test -e key' });
    const undo = await injection;
    await expect(undo()).rejects.toThrow(
      `the fault may still be in force; run in ${folder}: echo no route; test -e key; its heal failed: exit code 1, last lines: no route; output: `,
    );
    writeFileSync(join(folder, 'key'), '');
    await undo();
  });

  it.each([
    { title: 'inject', spec: { inject: FOREVER }, says: /^inject: killed at its limit of 3s/ },
    {
      title: 'until',
      spec: { inject: 'true', until: FOREVER },
      says: /^until was not true within 3s: killed at its limit/,
    },
  ])('kills $title at the limit, with all that it started, and heals', async ({ spec, says }) => {
    const { injection, has, read } = commandsIn(testFolder(), {
      ...{ ...spec, limitMs: 3_000, heal: 'touch healed' },
    });
    await vi.waitUntil(() => has('grandchild'), SOON);
    expect(isRunning(Number(read('grandchild')))).toBe(true);
    await expect(injection).rejects.toThrow(says);
    expect([isRunning(Number(read('grandchild'))), has('healed')]).toEqual([false, true]);
  });

  it('limits all runs of until together', async () => {
    const spec = { inject: 'true', until: 'echo not yet; false', heal: 'touch healed', limitMs: 300 };
    const { injection, has } = commandsIn(testFolder(), spec);
    const says = /^until was not true within 300ms: (exit code 1, last lines: not yet|killed)/;
    await expect(injection).rejects.toThrow(says);
    expect(has('healed')).toBe(true);
  });

  it.each(['inject', 'until'] as const)(
    'is killed while %s runs if the run ends, and healed',
    async (phase) => {
      const { injection, stop, has, read } = commandsIn(testFolder(), {
        ...{ inject: 'true', [phase]: FOREVER, heal: 'touch healed' },
      });
      await vi.waitUntil(() => has('grandchild') && read('grandchild').endsWith('\n'), SOON);
      expect(isRunning(Number(read('grandchild')))).toBe(true);
      stop.abort();
      await expect(injection).rejects.toThrow(`interrupted while ${phase} ran`);
      expect(isRunning(Number(read('grandchild')))).toBe(false);
      expect(has('healed')).toBe(true);
    },
  );

  it('may leave a process behind that holds its output open', async () => {
    const { injection, read } = commandsIn(testFolder(), {
      inject: 'sleep 600 & echo $! > left',
      heal: 'kill "$(cat left)"',
    });
    const undo = await injection;
    expect(isRunning(Number(read('left')))).toBe(true);
    await undo();
    await vi.waitUntil(() => !isRunning(Number(read('left'))), SOON);
  });

  it('cannot start in a folder that is not there', async () => {
    const { injection } = commandsIn(testFolder(), { inject: 'true', heal: 'true', cwd: '/not/there' });
    await expect(injection).rejects.toThrow(/^a command cannot be started in \/not\/there: /);
  });
});

it('commands get the environment of the user, without the passwords of Redis', () => {
  const env = {
    PATH: '/bin',
    AWS_SECRET_ACCESS_KEY: 'k',
    REDIS_PASSWORD: 'p',
    SENTINEL_PASSWORD: 'p',
    GONE: undefined,
  };
  expect(commandEnvironment({ env })).toEqual({ PATH: '/bin', AWS_SECRET_ACCESS_KEY: 'k' });
});

describe('a schedule of commands', () => {
  /** Each command adds its name to `done`; the faults last until the schedule ends. */
  function scheduleOf(faults: readonly { inject?: string; heal?: string }[]) {
    const folder = testFolder();
    const schedule = new FaultSchedule({
      faults: faults.map(({ inject = 'true', heal = 'true' }, at) => ({
        ...{ fault: 'command', limitMs: 60_000, atMs: 100 * at, forMs: 60_000 },
        inject: `${inject} && echo inject ${at} >> done`,
        heal: `${heal} && echo heal ${at} >> done`,
      })),
      ...{ seed: 1, system: { regions }, nowUs: () => 1, record: () => {} },
      shell: { folder, cwd: folder, env: { PATH: process.env.PATH ?? '' } },
    });
    const done = () => (existsSync(join(folder, 'done')) ? readFileSync(join(folder, 'done'), 'utf8') : '');
    return { folder, schedule, done };
  }

  it('heals the latest first', async () => {
    const { schedule, done } = scheduleOf([{}, {}, {}]);
    schedule.start(() => {});
    await vi.waitUntil(() => done().includes('inject 2'), SOON);
    expect(await schedule.end()).toEqual([]);
    expect(done()).toBe('inject 0\ninject 1\ninject 2\nheal 2\nheal 1\nheal 0\n');
  });

  it('heals a first fault whose inject and heal failed when it ends', async () => {
    const { schedule, folder, done } = scheduleOf([{ inject: 'false', heal: 'test -e key' }]);
    const onFailure = vi.fn();
    schedule.start(onFailure);
    await vi.waitUntil(() => onFailure.mock.calls.length > 0, SOON);
    expect(schedule.failure).toMatchObject({ message: expect.stringMatching(/^inject: exit code 1/) });
    expect(await schedule.end()).toEqual([
      expect.stringMatching(
        /^heal command: .*the fault may still be in force; run in .*: test -e key && echo/,
      ),
    ]);
    writeFileSync(join(folder, 'key'), '');
    expect([await schedule.end(), schedule.inForce, done()]).toEqual([[], [], 'heal 0\n']);
  });

  it('goes on without a later one, which it heals until that succeeds', async () => {
    const { schedule, folder, done } = scheduleOf([{}, { inject: 'false', heal: 'test -e key' }]);
    const onFailure = vi.fn();
    schedule.start(onFailure);
    await vi.waitUntil(() => schedule.problems.length === 2, SOON);
    expect(schedule.problems).toEqual([
      expect.stringMatching(/^command could not be injected after an earlier fault: inject: exit code 1/),
      expect.stringMatching(/^command was healed late: the fault may still be in force; run in/),
    ]);
    expect([schedule.inForce, onFailure.mock.calls]).toEqual([['command', 'command'], []]);
    writeFileSync(join(folder, 'key'), '');
    expect([await schedule.end(), done()]).toEqual([[], 'inject 0\nheal 1\nheal 0\n']);
  });

  it('says of a fault that was not in force when the load ended', async () => {
    const { schedule, done } = scheduleOf([{ inject: 'echo begun >> done && sleep 600' }]);
    schedule.start(() => {});
    await vi.waitUntil(() => done() === 'begun\n', SOON);
    expect(await schedule.end()).toEqual([]);
    expect(schedule.problems).toEqual(['command was not in force before the load ended']);
    expect(done()).toBe('begun\nheal 0\n');
  });
});
