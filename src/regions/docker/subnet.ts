import { createHash } from 'node:crypto';
import { BlockList, isIPv4 } from 'node:net';
import { environmentFailed, invalidOption, OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { docker } from './docker.ts';

/** The number of /24 blocks in 198.18.0.0/15. */
const PARTS = 512;
const TRIES = 5;

/**
 * Calls `act` with the user's subnet, else with one that no Docker network uses. If that one is taken by another
 * program or a route of this machine, it tries the next, at most five.
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
 * A /24 of 198.18.0.0/15 that overlaps none of `taken`. The start id decides which one is tried first, so that
 * concurrent starts rarely choose the same. Throws ENVIRONMENT_FAILED.
 */
export function chooseSubnet(startId: string, taken: readonly string[]): string {
  const first = createHash('sha256').update(startId).digest().readUInt16BE() % PARTS;
  for (let i = 0; i < PARTS; i++) {
    const part = (first + i) % PARTS;
    const subnet = `198.${18 + Math.floor(part / 256)}.${part % 256}.0/24`;
    if (!taken.some((other) => overlap(subnet, other))) return subnet;
  }
  throw environmentFailed(
    'Docker networks use every /24 of 198.18.0.0/15',
    'choose another subnet: export OPENCLAW_RL_SUBNET=10.99.0.0/24',
  );
}

/** Returns the subnet if it is an IPv4 block from /8 to /28. Throws INVALID_OPTION. */
export function checkSubnet(subnet: string): string {
  const [, network = '', bits] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(subnet) ?? [];
  if (isIPv4(network) && Number(bits) >= 8 && Number(bits) <= 28) return subnet;
  throw invalidOption(
    `OPENCLAW_RL_SUBNET must be a block of IPv4 addresses, /8 to /28, like 198.19.7.0/24; found ${quoted(subnet)}`,
  );
}

/** Two blocks overlap if one begins inside the other. */
function overlap(one: string, other: string): boolean {
  return begins(one, other) || begins(other, one);
}

function begins(inner: string, outer: string): boolean {
  const block = new BlockList();
  const [network = '', bits] = outer.split('/');
  block.addSubnet(network, Number(bits), 'ipv4');
  return block.check(inner.split('/')[0] ?? '', 'ipv4');
}

/** The IPv4 subnets of all networks of this engine. Throws ENVIRONMENT_FAILED. */
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
