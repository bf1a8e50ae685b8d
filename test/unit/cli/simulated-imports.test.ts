import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli, testFolder } from '../../support/cli.ts';

/** A fixed window of 4 s by the given time, in the map `windows` of the module that these lines import. */
const inMemory = (lines: string) => `
${lines}
export const simulated = true;
export const promise = ({ capacityTokens }) => \`fixed-window:\${capacityTokens}/4s:first\`;
export const createLimiter = ({ policy, time }) => ({
  take(user) {
    const nowUs = time.nowUs();
    let window = windows.get(user);
    if (window === undefined || nowUs >= window.endUs) window = { endUs: nowUs + 4e6, count: 0 };
    windows.set(user, window);
    window.count++;
    return { allowed: window.count <= policy.capacityTokens };
  },
});
`;

async function simulate(lines: string, regions = 'a,b') {
  const folder = testFolder();
  writeFileSync(join(folder, 'mine.mjs'), inMemory(lines));
  writeFileSync(join(folder, 'store.mjs'), "export { windows } from './map.mjs';");
  writeFileSync(join(folder, 'map.mjs'), 'export const windows = new Map();');
  writeFileSync(join(folder, 'store.cjs'), 'exports.windows = new Map();');
  const load = `--regions ${regions} --replicas 0 --connections 8 --users 3 --skew 0 --roaming 1 --duration 9s`;
  return runCli(['bench', '--limiter', './mine.mjs', '--simulate', ...load.split(' ')], { cwd: folder });
}

it.each([
  { title: 'the plug-in', lines: 'const windows = new Map();' },
  { title: 'a module that it imports', lines: "import { windows } from './store.mjs';" },
  { title: 'a module that it imports later', lines: "const { windows } = await import('./store.mjs');" },
])('a limiter in the memory of $title is one for each region', { timeout: 60_000 }, async ({ lines }) => {
  const { code, stdout, stderr } = await simulate(lines);
  expect(code, stderr).toBe(1);
  expect(stdout).toMatch(/windows above fixed-window:20\/4s:first +│ [1-9]/);
});

it('passes where there is one region', { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await simulate("import { windows } from './store.mjs';", 'a');
  expect(code, stdout + stderr).toBe(0);
});

it.each([
  { lines: "import store from './store.cjs';\nconst { windows } = store;", names: /store\.cjs/ },
  {
    lines:
      "import { createRequire } from 'node:module';\nconst { windows } = createRequire(import.meta.url)('./store.cjs');",
    names: /"node:module"/,
  },
])('what all regions would share is refused: $lines', { timeout: 60_000 }, async ({ lines, names }) => {
  const { code, stdout, stderr } = await simulate(lines);
  expect([code, stdout], stderr).toEqual([64, '']);
  expect(stderr).toMatch(
    /^error: plugin:mine\.mjs cannot be simulated: it imports .*, which all services would share/m,
  );
  expect(stderr).toMatch(names);
});
