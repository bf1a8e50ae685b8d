import { realpathSync } from 'node:fs';

/** The path of a plug-in's file in stack traces: `import` resolves links. Of a file that is not there, the path itself. */
export function realFile(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
