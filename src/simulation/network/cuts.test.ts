import { describe, expect, it } from 'vitest';
import { openNetwork } from '../../../test/support/simulated-network.ts';
import { cutPairs } from '../../topology/pairs.ts';
import type { Port } from '../network.ts';

const US_EAST = { region: 'us-east', node: 'us-east-0' };
const CLIENT = { region: 'us-east' };
const EU_WEST: Port = { node: 'eu-west-0', port: 'data' };
const OWN: Port = { node: 'us-east-0', port: 'data' };
const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const BOTH = cutPairs({ bridge: ['us-east', 'eu-west'] }, { regions: REGIONS });
const THERE = cutPairs({ from: ['us-east'], to: ['eu-west'] }, { regions: REGIONS });
const BACK = cutPairs({ from: ['eu-west'], to: ['us-east'] }, { regions: REGIONS });

/** A connection of a client in us-east to eu-west, or from elsewhere, 5 ms after the start. */
async function opened(from = CLIENT, to = EU_WEST) {
  const system = openNetwork();
  system.serve(to);
  return { ...system, ...system.network, ...(await system.connect(from, to)), links: system.network.links };
}

describe('a blackhole', () => {
  it('delivers the oldest message on its way at once, drops all others, and closes what was open when it ends', async () => {
    const { links, heard, send, pass } = await opened();
    for (const message of ['a', 'b']) send(message);
    await pass(10);
    links.cut(BOTH, 'blackhole');
    await pass(500);
    send('c');
    await pass(500);
    expect(heard).toEqual(['eu-west-0 got a at 15']);
    links.restore(BOTH);
    await pass(1_000);
    expect(heard.slice(1).sort()).toEqual(['closed at 1015', 'eu-west-0 closed at 1015']);
  });

  it('opens new connections, which are silent, and closes them when it ends', async () => {
    const { network, heard, serve, connect, pass } = openNetwork();
    serve(EU_WEST);
    network.links.cut(BOTH, 'blackhole');
    const { isOpen, send } = await connect(US_EAST, EU_WEST);
    expect(isOpen).toBe(true);
    send('a');
    await pass(500);
    network.links.restore(BOTH);
    await pass(500);
    expect(heard.sort()).toEqual(['closed at 505', 'eu-west-0 closed at 505']);
  });

  it('one way drops the replies only, and then closes after what is on its way', async () => {
    const { links, heard, send, pass } = await opened();
    links.cut(BACK, 'blackhole');
    send('a');
    await pass(100);
    expect(heard).toEqual(['eu-west-0 got a at 45']);
    send('b');
    await pass(10);
    links.restore(BACK);
    await pass(1_000);
    expect(heard.slice(1)).toEqual(['closed at 115', 'eu-west-0 got b at 145', 'eu-west-0 closed at 145']);
  });

  it('lets the end of a process be heard of', async () => {
    const { network, links, heard, pass } = await opened(US_EAST);
    links.cut(BOTH, 'blackhole');
    network.resetFrom('us-east-0');
    await pass(100);
    expect(heard).toEqual(['eu-west-0 closed at 5']);
  });

  it('cuts no other link', async () => {
    const { links, heard, send, pass } = await opened(CLIENT, { node: 'ap-south-0', port: 'data' });
    links.cut(BOTH, 'blackhole');
    send('a');
    await pass(500);
    expect(heard).toEqual(['ap-south-0 got a at 100', 'reply a at 195']);
  });
});

describe('a refusing cut', () => {
  it('closes what is open at both ends at once, loses what is on its way, and refuses until it ends', async () => {
    const { links, heard, send, connect, pass } = await opened(US_EAST);
    send('a');
    await pass(10);
    links.cut(BOTH, 'refuse');
    await pass(0);
    expect(heard).toEqual(['closed at 15', 'eu-west-0 closed at 15']);
    expect((await connect(US_EAST, EU_WEST)).isOpen).toBe(false);
    links.restore(BOTH);
    expect((await connect(US_EAST, EU_WEST)).isOpen).toBe(true);
    await pass(1_000);
    expect(heard).toHaveLength(3);
  });

  it('one way leaves connections of the other side, and drops their data of that direction', async () => {
    const { links, heard, send, connect, pass } = await opened();
    links.cut(BACK, 'refuse');
    send('a');
    await pass(500);
    expect(heard).toEqual(['eu-west-0 got a at 45']);
    expect((await connect(CLIENT, EU_WEST)).isOpen).toBe(true);
    links.restore(BACK);
    links.cut(THERE, 'refuse');
    expect((await connect(CLIENT, EU_WEST)).isOpen).toBe(false);
  });
});

describe('lost replies', () => {
  it('let requests arrive, and spare the bus', async () => {
    const { network, heard, serve, connect, pass } = openNetwork();
    const bus: Port = { node: 'eu-west-0', port: 'bus' };
    for (const port of [EU_WEST, bus]) serve(port);
    const [data, gossip] = [await connect(US_EAST, EU_WEST), await connect(US_EAST, bus)];
    network.links.dropReplies({ from: 'us-east', to: 'eu-west' });
    data.send('a');
    gossip.send('b');
    await pass(500);
    expect(heard).toEqual(['eu-west-0 got a at 50', 'eu-west-0 got b at 50', 'reply b at 90']);
    network.links.passReplies({ from: 'us-east', to: 'eu-west' });
    await pass(500);
    expect(heard.slice(3)).toEqual(['closed at 510', 'eu-west-0 closed at 510']);
  });
});

describe('slow links', () => {
  it('delay by the latency that they have now', async () => {
    const { links, heard, send, pass } = await opened();
    links.setLatency({ from: 'us-east', to: 'eu-west' }, { latencyMs: 140, jitterMs: 0 });
    send('a');
    await pass(500);
    expect(heard).toEqual(['eu-west-0 got a at 145', 'reply a at 185']);
  });

  it('pass so many bytes a second on each connection', async () => {
    const { links, heard, send, pass } = await opened();
    for (const pair of BOTH) links.setBandwidth(pair, 1);
    for (const message of ['a'.repeat(100), 'b'.repeat(100)]) send(message);
    await pass(150);
    for (const pair of BOTH) links.setBandwidth(pair, undefined);
    await pass(500);
    const [a, b] = ['a'.repeat(100), 'b'.repeat(100)];
    expect(heard).toEqual([
      `eu-west-0 got ${a} at 145`,
      `eu-west-0 got ${b} at 155`,
      `reply ${a} at 185`,
      `reply ${b} at 195`,
    ]);
  });
});

describe('the access of clients', () => {
  it.each(['refuse', 'blackhole'] as const)(
    'to their own node is lost (%s), and nodes keep theirs',
    async (mode) => {
      const { network, heard, serve, connect, pass } = openNetwork();
      for (const port of [EU_WEST, OWN]) serve(port);
      const [own, node] = [await connect(CLIENT, OWN), await connect(US_EAST, EU_WEST)];
      network.access.cut(['us-east'], mode);
      own.send('a');
      node.send('b');
      await pass(500);
      const closed = ['closed at 10', 'us-east-0 closed at 10'];
      const answered = ['eu-west-0 got b at 50', 'reply b at 90'];
      expect(heard).toEqual(mode === 'refuse' ? [...closed, ...answered] : answered);
      expect((await connect(CLIENT, OWN)).isOpen).toBe(mode === 'blackhole');
      network.access.restore(['us-east']);
      expect((await connect(CLIENT, OWN)).isOpen).toBe(true);
    },
  );

  it('is slower by half of a round trip each way', async () => {
    const { network, heard, send, pass } = await opened(CLIENT, OWN);
    network.access.slow(['us-east'], 301);
    send('a');
    await pass(1_000);
    network.access.slow(['us-east'], 0);
    send('b');
    await pass(1_000);
    expect(heard).toEqual([
      'us-east-0 got a at 156',
      'reply a at 306',
      'us-east-0 got b at 1005',
      'reply b at 1005',
    ]);
  });
});
