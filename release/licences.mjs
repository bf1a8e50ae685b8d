// The licences of packages that are copied into files of ours.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * The licences of the packages that these files are of; `inputs` are those of a metafile of esbuild. A package without
 * a licence file is given by the name of its licence.
 */
export function licencesOf(inputs) {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const file = readdirSync(join(ROOT, folder)).find((name) => /^licen[cs]e/i.test(name));
    const read = (name) => readFileSync(join(ROOT, folder, name), 'utf8').trim();
    const licence = file === undefined ? JSON.parse(read('package.json')).license : read(file);
    if (!licence) throw new Error(`${folder} has no licence`);
    return `${folder.replace(/^.*node_modules\//, '')}: ${licence}`;
  });
}

/** The same as a comment. */
export function licenceComment(inputs) {
  const text = licencesOf(inputs).join('\n\n');
  if (text.includes('*/')) throw new Error('a licence would end the comment that it is in');
  return `/* With:\n\n${text}\n*/`;
}
