// The licences of packages that are copied into files of ours.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** A comment with the licences of the packages that these files are of; `inputs` are those of a metafile of esbuild. */
export function licenceComment(inputs) {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  const licences = [...new Set(folders)].sort().map((folder) => {
    const file = readdirSync(join(ROOT, folder)).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${folder.replace(/^.*node_modules\//, '')}: ${readFileSync(join(ROOT, folder, file), 'utf8').trim()}`;
  });
  const text = licences.join('\n\n');
  if (text.includes('*/')) throw new Error('a licence would end the comment that it is in');
  return `/* With:\n\n${text}\n*/`;
}
