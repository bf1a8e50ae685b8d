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
    const { name, version, license } = JSON.parse(read('package.json'));
    const licence = file === undefined ? license : read(file);
    if (!licence) throw new Error(`${folder} has no licence`);
    return `${name}@${version}: ${licence}`;
  });
}

/** The same as a comment. */
export function licenceComment(inputs) {
  const text = licencesOf(inputs).join('\n\n');
  if (text.includes('*/')) throw new Error('a licence would end the comment that it is in');
  return `/* With:\n\n${text}\n*/`;
}

/** The packages, as name@version, that are copied into the files of a folder, by the licences that were written there. */
export function copiedIn(folder) {
  const all = readdirSync(folder, { recursive: true });
  const files = all.filter((file) => /\.(?:[cm]?js|json)$|\/licences\.txt$/.test(file));
  const names = files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\\n', '\n'); // of JSON
    if (file.endsWith('.txt')) return namesIn(text);
    return [...text.matchAll(/\/\* With:\n\n([\s\S]*?)\*\//g)].flatMap(([, comment]) => namesIn(comment));
  });
  return [...new Set(names)].sort();
}

const namesIn = (comment) => comment.match(/(?<=^|\n\n)(?:@[\w.-]+\/)?[\w.-]+@\d[\w.+-]*(?=: )/g) ?? [];
