import { execFile } from 'node:child_process';
import { access, constants, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { given } from '../../core/given.ts';
import type { Check } from '../doctor-check.ts';
import { findPlatformLack } from '../processes/platform.ts';
import { makeFolders } from '../store/make-folders.ts';
import { findLoopbackProblem, LOOPBACK_UP, loopbackLack } from './loopback.ts';
import { probeServer, SERVER_COMMANDS, type ServerBinary, serverHint } from './server-binary.ts';
import type { Sweep } from './sweep.ts';

/** The raw facts of this machine, before `diagnose` judges them. */
export interface MachineFacts {
  /** `process.version`, like `v20.19.0`. */
  readonly nodeVersion: string;
  readonly platformLack?: string;
  readonly servers: readonly ServerFact[];
  readonly compiler?: string;
  /** Why the addresses of regions cannot be used. */
  readonly loopbackLack?: string;
  readonly stateFolder: string;
  readonly stateLack?: string;
  /** Why runs cannot be kept in the folder where they are kept by default. */
  readonly reportsLack?: string;
  /** The soft limit, which Node raises to the hard limit at start; absent if it cannot be read. */
  readonly openFiles?: number;
  readonly sweep: Sweep;
}

interface ServerFact {
  readonly command: string;
  readonly path?: string;
  /** The server, or why it cannot be used. */
  readonly probe: ServerBinary | string;
  /** How to get it, where that is known. */
  readonly mend?: string;
}

/** For 1,000 connections: two sockets per connection in one gateway, and 200 for the process itself. */
const OPEN_FILES_NEEDED = 2_200;
const NODE_NEEDED = [20, 19] as const;

/** Examines the machine. Its only change is a test file in the state folder, which it removes. */
export async function examineMachine({
  stateFolder,
  reports,
  nodeVersion,
}: {
  readonly stateFolder: string;
  readonly reports: string;
  readonly nodeVersion: string;
}): Promise<Omit<MachineFacts, 'sweep'>> {
  const [servers, compiler, loopbackLack, stateLack, reportsLack, openFiles] = await Promise.all([
    Promise.all(SERVER_COMMANDS.map(examineServer)),
    pathOf('cc'),
    findLoopbackLack(),
    findStateLack(stateFolder),
    findReportsLack(reports),
    readOpenFiles(),
  ]);
  const platformLack = findPlatformLack();
  return {
    nodeVersion,
    servers,
    stateFolder,
    ...given({ platformLack, compiler, loopbackLack, stateLack, reportsLack, openFiles }),
  };
}

/** The checks of this machine, in the order in which to fix them. */
export function diagnose(facts: MachineFacts): Check[] {
  const { platformLack, compiler, loopbackLack: loopback, stateFolder, stateLack, openFiles, sweep } = facts;
  const { reportsLack } = facts;
  return [
    checkNode(facts.nodeVersion),
    platformLack === undefined
      ? ok('platform', 'Linux')
      : missing('platform', platformLack, 'run it on Linux, or in a Linux container'),
    ...checkServers(facts.servers),
    loopback === undefined
      ? ok('loopback', '127.77.0.0/16 is available')
      : missing('loopback', loopback, LOOPBACK_UP),
    stateLack === undefined
      ? ok('state folder', `${stateFolder} is writable`)
      : missing('state folder', stateLack, 'export OPENCLAW_RL_STATE=<a folder you can write to>'),
    ...(reportsLack === undefined
      ? []
      : [note('reports', reportsLack, 'name another folder with --reports')]),
    openFiles === undefined || openFiles >= OPEN_FILES_NEEDED
      ? ok('open files', openFiles === undefined ? 'no limit known' : `up to ${openFiles}`)
      : missing(
          'open files',
          `at most ${openFiles}; 1,000 connections need ${OPEN_FILES_NEEDED}`,
          'ulimit -n 4096 (if that is refused: raise nofile in /etc/security/limits.conf)',
        ),
    sweep.ended.length === 0
      ? ok('left behind', 'no leftovers of a killed run')
      : note('left behind', `removed the leftovers of a killed run: ${sweep.ended.join(', ')}`),
    ...sweep.unknown.map(({ why }) => note('left alone', why.message, why.hint)),
    compiler === undefined
      ? note('C compiler', 'none; needed only to step a node clock', 'apt-get install gcc libc6-dev')
      : ok('C compiler', compiler),
  ];
}

/** Whether `bench` can run here. */
export function isReady(checks: readonly Check[]): boolean {
  return checks.every(({ mark }) => mark !== 'missing');
}

function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const [majorNeeded, minorNeeded] = NODE_NEEDED;
  const isEnough = major > majorNeeded || (major === majorNeeded && minor >= minorNeeded);
  return isEnough
    ? ok('Node', version)
    : missing('Node', `${version}; at least ${NODE_NEEDED.join('.')} is needed`, 'nvm install 20');
}

/** One server is enough: without any, the first is missing. */
function checkServers(servers: readonly ServerFact[]): Check[] {
  const haveOne = servers.some(({ probe }) => typeof probe !== 'string');
  return servers.map(({ command, path, probe, mend = `install ${command}, version 7 or later` }, index) => {
    if (typeof probe !== 'string')
      return ok(command, `${path ?? command}, ${probe.product} ${probe.version}`);
    const isNeeded = index === 0 && !haveOne;
    return isNeeded ? missing(command, probe, mend) : note(command, `${probe}; one server is enough`);
  });
}

function ok(name: string, found: string): Check {
  return { name, mark: 'ok', found };
}

function note(name: string, found: string, mend?: string): Check {
  return { name, mark: 'note', found, ...(mend && { mend }) };
}

function missing(name: string, found: string, mend: string): Check {
  return { name, mark: 'missing', found, mend };
}

async function examineServer(command: string): Promise<ServerFact> {
  const [path, probe] = await Promise.all([pathOf(command), probeServer(command)]);
  const mend = typeof probe === 'string' ? serverHint(command, [probe]) : undefined;
  return { command, probe, ...(path && { path }), ...given({ mend }) };
}

async function pathOf(command: string): Promise<string | undefined> {
  return promisify(execFile)('/bin/sh', ['-c', 'command -v "$1"', 'sh', command]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

async function findLoopbackLack(): Promise<string | undefined> {
  const problem = await findLoopbackProblem();
  return problem && loopbackLack(problem);
}

async function findStateLack(folder: string): Promise<string | undefined> {
  const file = join(folder, `.doctor-${process.pid}`);
  try {
    await makeFolders(folder);
    await writeFile(file, '');
    await rm(file);
    return undefined;
  } catch (error) {
    return `cannot write to ${folder}: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** Makes nothing: the folder of runs is made by the first run. */
async function findReportsLack(folder: string): Promise<string | undefined> {
  const problemOf = (path: string) =>
    access(path, constants.W_OK | constants.X_OK).then(
      () => undefined,
      ({ code }: NodeJS.ErrnoException) => code,
    );
  let code = await problemOf(folder);
  if (code === 'ENOENT') code = await problemOf(dirname(folder));
  return code === undefined ? undefined : `cannot write to ${folder}: ${code}`;
}

async function readOpenFiles(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
