import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../support/call-cli.ts';
import { BIN, testFolder } from '../support/cli.ts';
import { hasProgram } from '../support/programs.ts';
import { writeStanding } from '../support/standing-state.ts';
import { startTerminal } from '../support/tmux.ts';

const SHELLS = [
  {
    name: 'bash',
    shell: ['bash', '--norc', '--noprofile', '-i'],
    load: 'source <(openclaw-rl completion bash)',
  },
  {
    name: 'zsh',
    shell: ['zsh', '-f', '-i'],
    load: 'autoload -U compinit; compinit -u -D; source <(openclaw-rl completion zsh)',
  },
  { name: 'fish', shell: ['fish', '--no-config', '-i'], load: 'openclaw-rl completion fish | source' },
];

/** What is typed before the tab, and what stands there after it. */
const COMPLETED = [
  { typed: 'openclaw-rl ben', stands: 'openclaw-rl bench' },
  { typed: 'openclaw-rl chaos parti', stands: 'openclaw-rl chaos partition' },
  { typed: 'openclaw-rl chaos partition --iso', stands: 'openclaw-rl chaos partition --isolate' },
  { typed: 'openclaw-rl bench --strategy art', stands: 'openclaw-rl bench --strategy article' },
  { typed: 'openclaw-rl chaos kill --provider loc', stands: 'openclaw-rl chaos kill --provider local' },
  { typed: 'openclaw-rl run baseli', stands: 'openclaw-rl run baseline' },
  { typed: 'openclaw-rl check recor', stands: 'openclaw-rl check recorded.ndjson' },
  { typed: 'openclaw-rl gate chao', stands: 'openclaw-rl gate chaos-run-1' },
  { typed: 'openclaw-rl compare bench-7 chao', stands: 'openclaw-rl compare bench-7 chaos-run-1' },
  { typed: 'openclaw-rl chaos kill --node sou', stands: 'openclaw-rl chaos kill --node south-0' },
  { typed: 'openclaw-rl homes --che', stands: 'openclaw-rl homes --check' },
  { typed: 'openclaw-rl inspect ada --home sou', stands: 'openclaw-rl inspect ada --home south' },
  { typed: 'openclaw-rl fault flap --isolate sou', stands: 'openclaw-rl fault flap --isolate south' },
  {
    typed: 'openclaw-rl fault latency --between south nor',
    stands: 'openclaw-rl fault latency --between south north',
  },
];

const isMissing = ({ name }: { name: string }) => !hasProgram('tmux', '-V') || !hasProgram(name);

describe.each(SHELLS)('completion in $name', { timeout: 120_000 }, ({ name, shell, load }) => {
  it.skipIf(isMissing({ name }))(
    'completes commands, flags, their values, scenarios, files, runs, nodes and regions',
    async (context) => {
      const cwd = testFolder();
      writeFileSync(join(cwd, 'recorded.ndjson'), '');
      // The second name is not offered: a shell would run what is in it.
      for (const run of ['chaos-run-1', 'chaos-$(touch pwned)', 'bench-7'])
        mkdirSync(join(cwd, 'reports', `20261125T042009503Z-${run}`), { recursive: true });
      writeStanding(join(cwd, 'state'), 'default', ['north', 'south']);
      const path = `${dirname(BIN)}${delimiter}${process.env.PATH}`;
      const env = { HOME: cwd, PATH: path, OPENCLAW_RL_STATE: join(cwd, 'state') };
      const terminal = await startTerminal(context, { columns: 100, rows: 40 }, { cwd, env, shell });
      await terminal.type(`${load}; echo "loa""ded"`);
      await terminal.until('the script', (screen) => /^loaded$/m.test(screen));
      for (const { typed, stands } of COMPLETED) {
        await terminal.write(typed);
        await terminal.until(typed, (screen) => screen.includes(typed));
        await terminal.key('Tab');
        await terminal.until(stands, (screen) => screen.endsWith(stands));
        await terminal.key('C-u'); // and not C-c: what is typed before a shell has obeyed it is lost
        await terminal.until('an empty line', (screen) => !screen.endsWith(stands));
        await terminal.type('clear');
        await terminal.until('an empty screen', (screen) => !screen.includes('openclaw-rl'));
      }
    },
  );
});

describe('the script', { timeout: 60_000 }, () => {
  it.each(SHELLS)('of $name goes to stdout, with every command that help lists', async ({ name }) => {
    const [{ code, stdout, stderr }, help] = await Promise.all([
      callCli(['completion', name]),
      callCli(['--help']),
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, command = '']) => command);
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`\\b${command}\\b`));
    expect(stdout).not.toContain('regional-toxiproxy');
  });

  it('of another shell is refused', async () => {
    const { code, stderr } = await callCli(['completion', 'csh']);
    expect([code, stderr]).toEqual([64, expect.stringContaining('Allowed choices are bash, zsh, fish')]);
  });
});
