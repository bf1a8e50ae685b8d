import { printable } from '../../core/printable.ts';
import type { Images } from '../../regions/docker/images.ts';
import { isImageHere, OWN_IMAGE, provideOwnImage } from '../../regions/docker/images.ts';
import type { Check } from '../../regions/doctor-check.ts';
import { knock } from '../../regions/network/knock.ts';
import { diagnoseSwarm, lookAtSwarm, type Machine } from './machines.ts';

interface Look {
  readonly images: Images;
  readonly regions: readonly string[];
  /** The image is built, which takes a minute the first time. */
  readonly onBuild: () => void;
}

/** What is missing in the swarm of this machine for a run in these regions. Builds the image unless one is named. */
export async function examineSwarm({ images, regions, onBuild }: Look): Promise<Check[]> {
  const facts = await lookAtSwarm();
  const checks = diagnoseSwarm(facts, regions);
  const { machines, address, isManager, nodeId } = facts;
  if (!isManager) return checks;
  const others = machines.filter(({ id, state }) => id !== nodeId && state === 'ready');
  return [
    ...checks,
    ...(await checkImage({ images, onBuild }, others)),
    ...(await Promise.all(others.map(checkPorts))),
    { name: 'clock', mark: 'ok', found: `the others reach it at ${address}, at a free port` },
  ];
}

async function checkImage(
  { images, onBuild }: Pick<Look, 'images' | 'onBuild'>,
  others: readonly Machine[],
): Promise<Check[]> {
  const { own } = images;
  const name = own ?? OWN_IMAGE;
  if (own === undefined) onBuild();
  const error = own === undefined ? await failureOf(provideOwnImage(images)) : undefined;
  if (error !== undefined)
    return [
      {
        ...{ name: 'image', mark: 'missing', found: `${name}: ${error.message}` },
        mend: 'export OPENCLAW_RL_IMAGE=<image that all machines have>',
      },
    ];
  const isHere = own === undefined || (await isImageHere(own));
  const here: Check = isHere
    ? { name: 'image', mark: 'ok', found: `${name} is on this machine` }
    : { name: 'image', mark: 'note', found: `${name} is not on this machine, and is pulled` };
  return others.length === 0 ? [here] : [here, imageElsewhere(name, others)];
}

/** Docker answers for the images of this machine only. */
export function imageElsewhere(image: string, others: readonly Pick<Machine, 'name'>[]): Check {
  const copies = others.map(({ name }) => `docker save ${image} | ssh ${printable(name)} docker load`);
  return {
    ...{ name: 'image elsewhere', mark: 'note' },
    found: 'was not looked at; each other machine must have it, or pull it from a registry. To copy it:',
    mend: copies.join('\n'),
  };
}

async function failureOf(work: Promise<unknown>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => error,
  );
}

const KNOCK_MS = 2_000;
/** The machines gossip there which containers have which addresses. */
const GOSSIP_PORT = 7_946;

async function checkPorts({ name, address }: Machine): Promise<Check> {
  const { isAnswered } = await knock({ host: address, port: GOSSIP_PORT }, KNOCK_MS);
  const title = `ports of ${printable(name)}`;
  if (isAnswered)
    return {
      name: title,
      mark: 'ok',
      found: `${address} answers at ${GOSSIP_PORT}/tcp; 4789/udp cannot be asked`,
    };
  return {
    ...{ name: title, mark: 'missing', found: `${address} does not answer at ${GOSSIP_PORT}/tcp` },
    mend: 'open 2377/tcp, 7946/tcp, 7946/udp and 4789/udp between all machines',
  };
}
