import { SimulatedNetwork } from '../../src/simulation/network/simulated-network.ts';
import type { End, Place, Port } from '../../src/simulation/network.ts';
import { VirtualTime } from '../../src/simulation/virtual-time.ts';
import { DEFAULT_TOPOLOGY, planTopology, type TopologyOptions } from '../../src/topology/topology.ts';

/** A network in which each port notes what it hears, and answers each message with the same. */
export function openNetwork(more: Partial<TopologyOptions> = {}, seed = 1) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({
    topology: planTopology({ ...DEFAULT_TOPOLOGY, ...more }),
    time,
    seed,
  });
  const heard: string[] = [];
  const ms = () => Math.floor(time.nowUs / 1_000);
  const note = (what: string) => heard.push(`${what} at ${ms()}`);
  const serve = (port: Port) =>
    network.listen<string, string>(port, (end) => ({
      message(message) {
        note(`${port.node} got ${message}`);
        end.send(message, message.length);
      },
      closed: () => note(`${port.node} closed`),
    }));
  const connect = async (from: Place, to: Port) => {
    let opened: End<string> | undefined;
    const { close } = network.connect<string, string>(from, to, {
      opened: (end) => {
        opened = end;
      },
      message: (message) => note(`reply ${message}`),
      closed: () => note('closed'),
    });
    await time.runUntil(time.nowUs + 5_000);
    return {
      send: (message: string) => opened?.send(message, message.length),
      isOpen: opened !== undefined,
      close,
    };
  };
  const pass = (forMs: number) => time.runUntil(time.nowUs + forMs * 1_000);
  return { time, network, heard, serve, connect, pass };
}
