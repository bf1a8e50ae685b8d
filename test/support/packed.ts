import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { packPackages } from '../../release/pack.mjs';

/** The paths of the tarballs of both packages. */
export interface Packed {
  readonly program: string;
  readonly limiter: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the project `packages`, made once for all its files from the `dist` that is there: `inject('packed')`. */
    packed: Packed;
  }
}

/** The global setup of the project `packages`. */
export default async function pack(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-packed-'));
  project.provide('packed', await packPackages({ out: folder }));
  return () => rmSync(folder, { recursive: true, force: true });
}
