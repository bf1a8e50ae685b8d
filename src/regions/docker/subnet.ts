import { createHash } from 'node:crypto';
import { BlockList, isIPv4 } from 'node:net';
import { OpenclawError, quoted } from '../../core/errors.ts';
import { docker } from './docker.ts';

/** 198.18.0.0/15, in parts of 254 addresses. */
const PARTS = 512;
const TRIES = 5;

/**
 * Does something with a subnet: the one that the user has named, else one that no network of this engine has. Another
 * program, or a route of this machine, may have that one nevertheless: then another is tried.
 */
export async function onSubnet(
  { named, startId }: { readonly named?: string | undefined; readonly startId: string },
  act: (subnet: string) => Promise<void>,
): Promise<void> {
  if (named !== undefined) return act(named);
  const refused: string[] = [];
  for (;;) {
    const subnet = chooseSubnet(startId, [...(await readSubnets()), ...refused]);
    try {
      return await act(subnet);
    } catch (error) {
      refused.push(subnet);
      const isTaken = error instanceof OpenclawError && /pool overlaps/i.test(error.message);
      if (!isTaken || refused.length === TRIES) throw error;
    }
  }
}

/**
 * A part of 198.18.0.0/15 that overlaps with none of these. Which one is tried first is drawn from the start, so that
 * two that start at the same moment seldom meet. Throws ENVIRONMENT_FAILED.
 */
export function chooseSubnet(startId: string, taken: readonly string[]): string {
  const first = createHash('sha256').update(startId).digest().readUInt16BE() % PARTS;
  for (let i = 0; i < PARTS; i++) {
    const part = (first + i) % PARTS;
    const subnet = `198.${18 + Math.floor(part / 256)}.${part % 256}.0/24`;
    if (!taken.some((other) => overlap(subnet, other))) return subnet;
  }
  throw new OpenclawError('ENVIRONMENT_FAILED', 'every part of 198.18.0.0/15 is a network of Docker', {
    hint: 'choose another subnet: export OPENCLAW_RL_SUBNET=10.99.0.0/24',
  });
}

/** Reads a block of addresses of IPv4. Throws INVALID_OPTION. */
export function checkSubnet(subnet: string): string {
  const [, network = '', bits] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(subnet) ?? [];
  if (isIPv4(network) && Number(bits) >= 8 && Number(bits) <= 28) return subnet;
  throw new OpenclawError(
    'INVALID_OPTION',
    `OPENCLAW_RL_SUBNET must be a block of IPv4 addresses, /8 to /28, like 198.19.7.0/24; found ${quoted(subnet)}`,
  );
}

/** Of two blocks that overlap, one begins in the other. */
function overlap(one: string, other: string): boolean {
  return begins(one, other) || begins(other, one);
}

function begins(inner: string, outer: string): boolean {
  const block = new BlockList();
  const [network = '', bits] = outer.split('/');
  block.addSubnet(network, Number(bits), 'ipv4');
  return block.check(inner.split('/')[0] ?? '', 'ipv4');
}

/** Of every network of this engine, those of IPv4. Throws ENVIRONMENT_FAILED. */
async function readSubnets(): Promise<string[]> {
  const ids = (await docker(['network', 'ls', '--quiet'])).split('\n').filter((id) => id !== '');
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}';
  const subnets = await Promise.all(
    ids.map((id) =>
      docker(['network', 'inspect', '--format', format, id]).catch((error: Error) => {
        if (/no such network|not found/i.test(error.message)) return ''; // removed by now
        throw error;
      }),
    ),
  );
  return subnets.flatMap((text) => text.split(' ')).filter((subnet) => /^[\d.]+\/\d+$/.test(subnet));
}
