import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const IMAGES = join(import.meta.dirname, '../../compose/stand-ins/build');

/**
 * Why containers cannot be had here; undefined where they can. Throws where OPENCLAW_RL_REQUIRE_DOCKER is set, as it is
 * in CI: there a test that is skipped has failed.
 */
function findLack(): string | undefined {
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: 20_000 });
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore', timeout: 20_000 });
    return undefined;
  } catch (error) {
    if (process.env.OPENCLAW_RL_REQUIRE_DOCKER) throw error;
    return `no docker with Compose answers here (${(error as Error).message})`;
  }
}

/** Absent where there is an engine. */
export const dockerLack = findLack();

/** For the title of what is skipped without it. */
export const withDocker =
  dockerLack === undefined ? 'docker' : `docker (skipped: ${dockerLack.split('\n')[0]})`;

/** What of the images is named in the environment; what is not is a stand-in where the official one cannot be had. */
export function imageVariables(): Record<string, string> {
  made ??= readImages();
  return made;
}

let made: Record<string, string> | undefined;

function readImages(): Record<string, string> {
  const names = ['OPENCLAW_REDIS_IMAGE', 'OPENCLAW_TOXIPROXY_IMAGE', 'OPENCLAW_RL_IMAGE'] as const;
  const named = Object.fromEntries(
    names.flatMap((name) => [[name, process.env[name] ?? '']]).filter(([, value]) => value),
  );
  if (Object.keys(named).length === names.length) return named;
  const lines = execFileSync(IMAGES, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  });
  const standIns = [...lines.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]);
  return { ...Object.fromEntries(standIns), ...named };
}
