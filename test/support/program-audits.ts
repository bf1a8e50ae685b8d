import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasProgram } from './programs.ts';

/** What a test expects of a limiter that is a program of another language. */
export interface ProgramAudit {
  /** In the folder `audits`. */
  readonly file: string;
  /** For the policy 5:1/min. */
  readonly promise: string;
  /** Whether its client knows Redis Cluster. */
  readonly onCluster: boolean;
  /** What has one limit: all services, each process, or more or less all of the servers that are `peers`. */
  readonly sharedBy: 'services' | 'process' | 'peers';
  /** Whether what it needs is installed. */
  readonly isHere: boolean;
}

const FOLDER = join(import.meta.dirname, '../../audits');

const python = hasProgram(
  '/usr/bin/python3',
  '-c',
  'import limits, flask_limiter, django_ratelimit, redis.cluster',
);
const php = hasPackages(
  'php-cli',
  'php-redis',
  'php-symfony-rate-limiter',
  'php-symfony-lock',
  'php-symfony-cache',
);
const ruby = hasPackages('ruby', 'ruby-rack-attack', 'ruby-redis', 'ruby-activesupport');
const go = hasPackages('golang-go', 'golang-github-gomodule-redigo-dev', 'golang-golang-x-time-dev');

const shared = { onCluster: true, sharedBy: 'services' } as const;
const oneServer = { onCluster: false, sharedBy: 'services' } as const;
const inMemory = { onCluster: false, sharedBy: 'process' } as const;

export const audited: readonly ProgramAudit[] = [
  { file: 'django-ratelimit.yaml', promise: 'fixed-window:5/300000ms', ...oneServer, isHere: python },
  { file: 'flask-limiter.yaml', promise: 'fixed-window:5/300000ms:first', ...shared, isHere: python },
  { file: 'go-redigo.yaml', promise: 'fixed-window:5/300000ms:first', ...shared, isHere: go },
  { file: 'go-time-rate.yaml', promise: 'token-bucket', ...inMemory, isHere: go },
  {
    ...{ file: 'haproxy-stick-table.yaml', promise: 'sliding-counter:5/300000ms' },
    ...{ onCluster: false, sharedBy: 'peers', isHere: hasPackages('haproxy', 'python3') },
  },
  {
    file: 'nginx-limit-req.yaml',
    promise: 'token-bucket',
    ...inMemory,
    isHere: hasPackages('nginx', 'python3'),
  },
  {
    file: 'python-limits-fixed-window.yaml',
    promise: 'fixed-window:5/300000ms:first',
    ...shared,
    isHere: python,
  },
  {
    file: 'python-limits-moving-window.yaml',
    promise: 'sliding-window:5/300000ms',
    ...shared,
    isHere: python,
  },
  {
    ...{ file: 'python-limits-sliding-window-counter.yaml', promise: 'sliding-counter:5/300000ms' },
    ...{ ...shared, isHere: python },
  },
  { file: 'rack-attack-rails.yaml', promise: 'fixed-window:5/300000ms:epoch', ...oneServer, isHere: ruby },
  { file: 'rack-attack-redis.yaml', promise: 'fixed-window:5/300000ms:epoch', ...oneServer, isHere: ruby },
  { file: 'symfony-fixed-window.yaml', promise: 'fixed-window:5/300000ms:first', ...shared, isHere: php },
  { file: 'symfony-sliding-window.yaml', promise: 'sliding-counter:5/300000ms', ...shared, isHere: php },
  { file: 'symfony-token-bucket.yaml', promise: 'fixed-window:5/300000ms', ...shared, isHere: php },
];

/** Whether these packages of Debian are installed. Throws with their names where they are not and must be: in CI. */
function hasPackages(...names: readonly string[]): boolean {
  const missing = names.filter((name) => {
    try {
      execFileSync('dpkg-query', ['--status', name], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0 && process.env.OPENCLAW_RL_REQUIRE_PROGRAMS)
    throw new Error(`missing: ${missing.join(', ')}; .ci/programs installs them`);
  return missing.length === 0;
}

/** Builds the programs in Go, which takes a minute where they were never built. */
export async function buildGo(): Promise<void> {
  if (go) await promisify(execFile)(join(FOLDER, 'programs/go/build.sh'));
}
