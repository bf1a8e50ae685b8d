import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const MODULE = new URL(`file://${resolve('dist/cli/runs/endless-loop.js')}`);

/** Runs this code in a process that may compute for 300 ms without a pause. */
function run(code: string): Promise<{ signal: unknown; stderr: string; stdout: string }> {
  const text = `import { endAtLoop } from '${MODULE}'; const release = endAtLoop('mine.mjs', 300); ${code}`;
  return new Promise((settle) => {
    const args = ['--input-type=module', '--eval', text];
    execFile(process.execPath, args, (error, stdout, stderr) => {
      settle({ signal: error?.signal, stdout, stderr });
    });
  });
}

it.each(['for (;;);', 'for (;;) await null;'])(
  'kills a process that computes without a pause: %s',
  async (loop) => {
    const { signal, stderr } = await run(`setTimeout(async () => { ${loop} }, 300);`);
    expect(signal).toBe('SIGKILL');
    expect(stderr).toBe(
      'error: plugin:mine.mjs computed for 0.3 s without a pause: an endless loop?\n' +
        '  the process was killed, since it could handle no signal; see docs/plugins.md\n',
    );
  },
);

it('spares a process that pauses, and one that was released', async () => {
  const used =
    'const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1_000; };';
  const busy = `${used} const busy = (ms) => { const end = used() + ms; while (used() < end); };`;
  const pause = 'const pause = () => new Promise((settle) => setTimeout(settle, 250));';
  const pieces = 'for (let each = 0; each < 6; each++) { busy(80); await pause(); }';
  const { signal, stdout } = await run(
    `${busy} ${pause} ${pieces} release(); busy(1_000); console.log('done');`,
  );
  expect([signal, stdout]).toEqual([undefined, 'done\n']);
});
