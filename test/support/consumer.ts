import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformSync } from 'esbuild';
import { runProgram } from './cli.ts';
import { patient } from './examples.ts';
import { ROOT } from './readme.ts';

type Ended = Awaited<ReturnType<typeof runProgram>>;

/** A project of a user, with packages from npm and from tarballs. */
export interface Consumer {
  readonly folder: string;
  /** Installs more. */
  install(...packages: readonly string[]): Promise<void>;
  /** Type errors of these files, and, unless `options` skip them, of the types that they use; empty if there are none. */
  compile(files: Readonly<Record<string, string>>, options: object): Promise<string>;
  /** Runs a TypeScript example as it is printed, but for its types, the port of Redis and how long it waits. */
  runExample(text: string, where: { readonly port: number; readonly node?: string }): Promise<Ended>;
  /** Runs a module. */
  runModule(code: string, options?: { readonly node?: string; readonly type?: Format }): Promise<Ended>;
  /** Runs a program that a package has installed. */
  runInstalled(program: string, args: readonly string[]): Promise<Ended>;
  /** The packages that are installed, and the sum of their files in bytes. */
  installed(): { readonly packages: readonly string[]; readonly bytes: number };
}

type Format = 'module' | 'commonjs';

/** An empty project in `folder`, which must not be there yet. */
export function emptyConsumer(folder: string): Consumer {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  return {
    folder,
    install: (...packages) => npm(['install', ...packages], folder),
    compile: (files, options) => compile(folder, files, options),
    async runExample(text, { port, node = process.execPath }) {
      const { code } = transformSync(patient(text), { loader: 'ts', target: 'node20' });
      writeFileSync(join(folder, 'example.mjs'), code.replaceAll('6379', String(port)));
      return runProgram(node, ['example.mjs'], { cwd: folder });
    },
    runModule: (code, { node = process.execPath, type = 'module' } = {}) =>
      runProgram(node, [`--input-type=${type}`, '--eval', code], { cwd: folder }),
    runInstalled: (program, args) =>
      runProgram(join(folder, 'node_modules/.bin', program), args, { cwd: folder }),
    installed: () => installedIn(join(folder, 'node_modules')),
  };
}

/** npm without what asks the network for more than packages that are not in its cache. */
async function npm(args: readonly string[], cwd: string): Promise<void> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', [...args, ...quiet], { cwd });
}

async function compile(
  folder: string,
  files: Readonly<Record<string, string>>,
  options: object,
): Promise<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    ...{ strict: true, target: 'es2022', skipLibCheck: false, noEmit: true, types: ['node'] },
    ...options,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: Object.keys(files) }),
  );
  const { stdout, stderr } = await runProgram(join(ROOT, 'node_modules/.bin/tsc'), [], { cwd: folder });
  return stdout + stderr;
}

function installedIn(modules: string) {
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const packages = files.flatMap(
    (file) => /^((?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/@.]+)\/package\.json$/.exec(file)?.[1] ?? [],
  );
  const sizes = files.map((file) => statSync(join(modules, file))).filter((stat) => stat.isFile());
  return { packages: packages.sort(), bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
