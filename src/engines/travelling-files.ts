import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { invalidOption } from '../core/errors.ts';
import { isLimiterFile } from '../core/plugin-name.ts';
import { printable } from '../core/printable.ts';
import type { Plan } from '../scenario/plan.ts';
import { scenarioOf } from '../scenario/to-document.ts';

/** Engines keep such files on every manager; a Docker config has at most so much. */
const MOST_BYTES = 500_000;

export interface TravellingFiles {
  /** By their names in one folder. */
  readonly files: Readonly<Record<string, string>>;
  /** The text of the plug-in. */
  readonly plugin?: string;
}

/**
 * What the machines need of a plan: its scenario, plug-in and log. Throws INVALID_OPTION for a file that is too large or no
 * text, and for a plug-in that imports files or packages, which are not there.
 */
export async function travellingFiles(plan: Plan): Promise<TravellingFiles> {
  const { file, text, beside } = scenarioOf(plan);
  if (OWN_FILES.includes(file))
    throw invalidOption(`${file} is the name of a file of the engine`, 'rename the scenario');
  checkSize(file, text, 'choose fewer claims, or run it without --engine');
  const files: Record<string, string> = { [file]: text };
  for (const [name, path] of Object.entries(beside))
    files[name] = await readText(path, path === plan.limiter ? BUNDLE : SHORTEN);
  if (plan.limiter === undefined) return { files };
  if (isLimiterFile(plan.limiter))
    throw invalidOption(
      `${printable(basename(plan.limiter))} has the command of a program, which is not on the machines`,
      'run it without --engine',
    );
  const plugin = files[basename(plan.limiter)] ?? '';
  checkImports(plan.limiter, plugin);
  return { files, plugin };
}

const OWN_FILES = ['endpoints.yaml', 'ca.pem'];

const BUNDLE =
  'bundle it into one small file: npx esbuild <file> --bundle --platform=node --format=esm --minify';
const SHORTEN = 'take the beginning of the log: head -n 2000';

async function readText(path: string, smaller: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw invalidOption(`cannot read ${printable(path)}: ${error.message}`);
  });
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    throw invalidOption(
      `${printable(path)} is no text, and only texts travel to the machines`,
      'unpack it: gunzip',
    );
  checkSize(path, text, smaller);
  return text;
}

function checkSize(file: string, text: string, smaller: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return;
  throw invalidOption(
    `${printable(file)} has ${bytes} bytes; a file that travels to the machines has at most ${MOST_BYTES}`,
    smaller,
  );
}

/** The image has it. */
const OURS = 'openclaw-rl';
const IMPORT =
  /^\s*(?:import\s*(?:[\w$*{},\s]*?\bfrom\s*)?|export\s*[*{][^'"`;]*?\bfrom\s*)['"]([^'"]+)['"]/gm;

function checkImports(file: string, text: string): void {
  const imported = [...text.matchAll(IMPORT)].map(([, name = '']) => name);
  const other = imported.find((name) => name !== OURS && !name.startsWith('node:'));
  if (other === undefined) return;
  throw invalidOption(
    `${printable(basename(file))} imports ${printable(other)}, and only this one file travels to the machines`,
    BUNDLE,
  );
}
