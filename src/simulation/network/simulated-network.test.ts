import { describe, expect, it } from 'vitest';
import { openNetwork } from '../../../test/support/simulated-network.ts';
import type { Port } from '../network.ts';

const US_EAST = { region: 'us-east', node: 'us-east-0' };
const CLIENT = { region: 'us-east' };
const EU_WEST: Port = { node: 'eu-west-0', port: 'data' };
const OWN: Port = { node: 'us-east-0', port: 'data' };

describe('the simulated network', () => {
  it('delays data by half of the round trip each way, and keeps its order', async () => {
    const { heard, serve, connect, pass } = openNetwork();
    serve(EU_WEST);
    const { send } = await connect(US_EAST, EU_WEST);
    for (const message of ['a', 'b']) send(message);
    await pass(1_000);
    expect(heard).toEqual([
      'eu-west-0 got a at 45',
      'eu-west-0 got b at 45',
      'reply a at 85',
      'reply b at 85',
    ]);
  });

  it('takes microseconds within a region', async () => {
    const { time, heard, serve, connect } = openNetwork();
    serve(OWN);
    const { send } = await connect(CLIENT, OWN);
    send('a');
    await time.runUntil(time.nowUs + 3_000);
    expect(heard.map((line) => line.replace(/ at .*/, ''))).toEqual(['us-east-0 got a', 'reply a']);
  });

  it('refuses a connection to a port that does not listen', async () => {
    const { heard, connect } = openNetwork();
    expect((await connect(CLIENT, EU_WEST)).isOpen).toBe(false);
    expect(heard).toEqual(['closed at 0']);
  });

  it('lets an end be heard of after what was sent before it', async () => {
    const { heard, serve, connect, pass } = openNetwork();
    serve(EU_WEST);
    const { send, close } = await connect(US_EAST, EU_WEST);
    send('a');
    close();
    await pass(1_000);
    expect(heard).toEqual(['eu-west-0 got a at 45', 'eu-west-0 closed at 45']);
  });

  it('closes all connections of a node that ends', async () => {
    const { network, heard, serve, connect, pass } = openNetwork();
    const server = serve(EU_WEST);
    await connect(US_EAST, EU_WEST);
    network.resetFrom('us-east-0');
    await pass(1_000);
    expect(heard).toEqual(['eu-west-0 closed at 5']);
    await connect(CLIENT, EU_WEST);
    server.close();
    await pass(1_000);
    expect(heard.slice(1)).toEqual(['closed at 1010']);
    expect((await connect(CLIENT, EU_WEST)).isOpen).toBe(false);
  });

  it('loses what is on its way to an end that has closed', async () => {
    const { heard, serve, connect, pass } = openNetwork();
    serve(EU_WEST);
    const { send, close } = await connect(US_EAST, EU_WEST);
    send('a');
    await pass(60); // the reply is on its way
    close();
    await pass(1_000);
    expect(heard).toEqual(['eu-west-0 got a at 45', 'eu-west-0 closed at 65']);
  });

  it('gives up a connection that is not open yet', async () => {
    const { network, time, heard, serve } = openNetwork();
    serve(EU_WEST);
    const hears = {
      opened: () => heard.push('opened'),
      message: () => {},
      closed: () => heard.push('closed'),
    };
    network.connect(CLIENT, EU_WEST, hears).close();
    await time.runUntil(1_000_000);
    expect(heard).toEqual([]);
  });

  it('draws delays and jitter from the seed', async () => {
    const play = async (seed: number) => {
      const { heard, serve, connect, pass } = openNetwork({ jitterMs: 10 }, seed);
      serve(EU_WEST);
      const { send } = await connect(CLIENT, EU_WEST);
      for (let i = 0; i < 5; i++) {
        send('a');
        await pass(1_000);
      }
      return heard;
    };
    expect(await play(1)).toEqual(await play(1));
    expect(await play(1)).not.toEqual(await play(2));
  });
});
