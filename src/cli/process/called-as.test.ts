import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asCalled, findProgram } from './called-as.ts';

/** A clone with the program in it, and a folder on PATH beside it. */
function clone() {
  const root = mkdtempSync(join(tmpdir(), 'openclaw-rl-called-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['clone/bin', 'clone/docs/a', 'path'])
    mkdirSync(join(root, folder), { recursive: true });
  const file = join(root, 'clone/bin/openclaw-rl');
  writeFileSync(file, '');
  return { root, file, path: `/nowhere:${join(root, 'path')}` };
}

describe('the program is called', () => {
  it('by the shortest path from the current folder', () => {
    const { root, file, path } = clone();
    const from = (folder: string) => findProgram(file, { folder: join(root, folder), path });
    expect(from('clone')).toBe('bin/openclaw-rl');
    expect(from('clone/bin')).toBe('./openclaw-rl');
    expect(from('clone/docs')).toBe('../bin/openclaw-rl');
    expect(from('clone/docs/a')).toBe(file);
  });

  it('by its name where PATH finds this very program, also by a link', () => {
    const { root, file, path } = clone();
    writeFileSync(join(root, 'path/openclaw-rl'), 'another');
    expect(findProgram(file, { folder: root, path })).toBe('clone/bin/openclaw-rl');
    rmSync(join(root, 'path/openclaw-rl'));
    symlinkSync(file, join(root, 'path/openclaw-rl'));
    expect(findProgram(file, { folder: root, path })).toBe('openclaw-rl');
  });

  it('by npx where npm installed it for a project, also if PATH has the programs of the project', () => {
    const { root, file, path } = clone();
    const programs = join(root, 'mine/node_modules/.bin');
    mkdirSync(programs, { recursive: true });
    const called = join(programs, 'openclaw-rl');
    symlinkSync(file, called);
    const options = { folder: join(root, 'mine'), path: `${programs}:${path}` };
    expect(findProgram(called, options)).toBe('npx openclaw-rl');
    symlinkSync(file, join(root, 'path/openclaw-rl'));
    expect(findProgram(called, options)).toBe('openclaw-rl');
  });

  it('so in hints, and its name stays in prose', () => {
    const text =
      'end it: openclaw-rl down --name a && openclaw-rl up\nthis is a bug of openclaw-rl, please report it';
    expect(asCalled(text, 'bin/openclaw-rl')).toBe(
      'end it: bin/openclaw-rl down --name a && bin/openclaw-rl up\nthis is a bug of openclaw-rl, please report it',
    );
    expect(asCalled(text, 'openclaw-rl')).toBe(text);
  });
});
