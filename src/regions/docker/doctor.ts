import type { Check } from '../doctor-check.ts';
import { docker, NEEDED } from './docker.ts';
import { type Images, isImageHere, OWN_IMAGE, provideOwnImage, pullImage } from './images.ts';

/** The raw answers of Docker, before `diagnoseDocker` judges them. */
export interface DockerFacts {
  /** Version of the engine as reported, like `26.1.5`. */
  readonly engine: Answer;
  readonly compose: Answer;
  readonly images: readonly {
    readonly name: string;
    readonly isHere: boolean;
    readonly error?: Error & { hint?: string };
  }[];
}

type Answer = { readonly version: string } | { readonly lack: string; readonly mend: string };

/** Asks Docker for versions and images. With `provide`, it pulls and builds missing images and reports that. */
export async function examineDocker(
  images: Images,
  { provide, say }: { readonly provide: boolean; readonly say: (what: string) => void },
): Promise<DockerFacts> {
  const { engine, compose } = await askVersions();
  if (!('version' in engine)) return { engine, compose, images: [] };
  const pulled = (name: string) => ({ name, get: () => pullImage(name), what: 'pulling' });
  const needed = [
    pulled(images.redis),
    pulled(images.toxiproxy),
    images.own === undefined
      ? { name: OWN_IMAGE, get: () => provideOwnImage(images), what: 'building' }
      : pulled(images.own),
  ];
  const found = needed.map(async ({ name, get, what }) => {
    const isHere = await isImageHere(name);
    if (isHere || !provide) return { name, isHere };
    say(`${what} ${name}`);
    return get().then(
      () => ({ name, isHere: true }),
      (error: Error) => ({ name, isHere: false, error }),
    );
  });
  return { engine, compose, images: await Promise.all(found) };
}

/** Why containers cannot be used; undefined if they can. Images are not checked, since they can be pulled. */
export async function findDockerLack(): Promise<string | undefined> {
  const checks = diagnoseDocker({ ...(await askVersions()), images: [] });
  return checks.find(({ mark }) => mark === 'missing')?.found;
}

async function askVersions(): Promise<Pick<DockerFacts, 'engine' | 'compose'>> {
  const [engine, compose] = await Promise.all([
    ask('version', '--format', '{{.Server.Version}}'),
    ask('compose', 'version', '--short'),
  ]);
  return { engine, compose };
}

/** The checks for regions as containers, in the order in which to fix them. */
export function diagnoseDocker({ engine, compose, images }: DockerFacts): Check[] {
  const own = checkVersion('docker', engine, NEEDED.engine, 'see https://docs.docker.com/engine/install');
  const isSilent = 'lack' in engine && 'lack' in compose && engine.lack === compose.lack;
  return [
    own,
    ...(isSilent
      ? []
      : [checkVersion('Compose plugin', compose, NEEDED.compose, 'apt-get install docker-compose')]),
    ...images.map(checkImage),
  ];
}

/** An absent image is a note, since it is provided on use; it is `missing` only after that has failed. */
function checkImage({ name, isHere, error }: DockerFacts['images'][number]): Check {
  if (isHere) return { name: 'image', mark: 'ok', found: name };
  const mend = error?.hint ?? 'openclaw-rl doctor --provider docker pulls or builds it';
  return error === undefined
    ? { name: 'image', mark: 'note', found: `${name} is not on this machine yet`, mend }
    : { name: 'image', mark: 'missing', found: `${name}: ${error.message}`, mend };
}

function checkVersion(name: string, answer: Answer, needed: number, mend: string): Check {
  if (!('version' in answer)) return { name, mark: 'missing', found: answer.lack, mend: answer.mend };
  const { version } = answer;
  if (Number.parseInt(version.replace(/^v/, ''), 10) >= needed) return { name, mark: 'ok', found: version };
  return { name, mark: 'missing', found: `${version}; at least ${needed} is needed`, mend };
}

async function ask(...args: readonly string[]): Promise<Answer> {
  return docker(args).then(
    (version) => ({ version }),
    (error: Error & { hint?: string }) => ({ lack: error.message, mend: error.hint ?? 'see docker info' }),
  );
}
