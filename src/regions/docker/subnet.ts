import { createHash } from 'node:crypto';
import { OpenclawError } from '../../core/errors.ts';
import { docker } from './docker.ts';

/** 198.18.0.0/15, in parts of 254 addresses. */
const PARTS = 512;

/**
 * A part of 198.18.0.0/15 that no network of this engine has. Which one is tried first is drawn from the start, so
 * that two that start at the same moment seldom meet.
 */
export async function chooseSubnet(startId: string): Promise<string> {
  const taken = await readSubnets();
  const first = createHash('sha256').update(startId).digest().readUInt16BE() % PARTS;
  for (let i = 0; i < PARTS; i++) {
    const part = (first + i) % PARTS;
    const start = `198.${18 + Math.floor(part / 256)}.${part % 256}.`;
    if (!taken.some((subnet) => subnet.startsWith(start))) return `${start}0/24`;
  }
  throw new OpenclawError('ENVIRONMENT_FAILED', 'every part of 198.18.0.0/15 is a network of Docker', {
    hint: 'choose another subnet: export OPENCLAW_RL_SUBNET=10.99.0.0/24',
  });
}

async function readSubnets(): Promise<string[]> {
  const ids = (await docker(['network', 'ls', '--quiet'])).split('\n').filter((id) => id !== '');
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}';
  const subnets = await Promise.all(
    ids.map((id) => docker(['network', 'inspect', '--format', format, id]).catch(() => '')), // removed by now
  );
  return subnets.flatMap((text) => text.split(' '));
}
