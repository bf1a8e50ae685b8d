import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './cli.ts';
import { ROOT } from './readme.ts';

type Ended = Awaited<ReturnType<typeof runProgram>>;

/** An example that waits longer for Redis than as it is printed: a machine may be busy. */
export function patient(text: string): string {
  return text
    .replace(/commandTimeoutMs: (500|2_000)\b/, 'commandTimeoutMs: 8_000')
    .replace("6379'] }", "6379'], commandTimeoutMs: 30_000 }");
}

/** A project in `folder` that has the package installed, with its examples compiled and ready to run by number. */
export async function compileExamples(
  folder: string,
  examples: readonly string[],
  redisPort: number,
  clusterPort = 7_000,
): Promise<{ compiled: Ended; run(index: number): Promise<Ended> }> {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(ROOT, join(modules, 'openclaw-rl'));
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files = examples.map((text, index) => {
    writeFileSync(
      join(folder, `example-${index}.ts`),
      patient(text).replaceAll('6379', String(redisPort)).replaceAll('7000', String(clusterPort)),
    );
    return `example-${index}.ts`;
  });
  const compiled = await runProgram(
    join(ROOT, 'node_modules/.bin/tsc'),
    ['--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', ...files],
    { cwd: folder },
  );
  const run = (index: number) => runProgram(process.execPath, [`example-${index}.js`], { cwd: folder });
  return { compiled, run };
}
