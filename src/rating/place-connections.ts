import { Socket, type TcpNetConnectOpts } from 'node:net';
import { plainAddress } from '../core/plain-address.ts';

/**
 * Places the connections of this process in a region: those to its network, 127.x.0.0/16, come from this address of it, of
 * whatever client in JavaScript that connects to an address and not to a name. Logs the first one that comes from another address all the same, since it names that.
 * A client in native code, or in another thread or process, is neither placed nor seen.
 */
export function placeConnections(localAddress: string, log: (text: string) => void): void {
  const network = /^127\.\d+\./.exec(localAddress)?.[0];
  if (network === undefined) return;
  let isLogged = false;
  const look = function (this: Socket) {
    const [from, to] = [plainAddress(this.localAddress), plainAddress(this.remoteAddress)];
    if (isLogged || from === '' || !to.startsWith(network) || from === localAddress) return;
    isLogged = true;
    log(
      `outside its region: connected to ${to}:${this.remotePort} from ${from}, and not from redis.localAddress, ${localAddress}\n`,
    );
  };
  const placed = (place: TcpNetConnectOpts): TcpNetConnectOpts =>
    place.host?.startsWith(network) === true
      ? { ...place, localAddress: place.localAddress ?? localAddress }
      : place;
  const { connect } = Socket.prototype; // net.connect and tls.connect end here
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    this.off('connect', look).once('connect', look); // a socket may connect again
    const [first, second, ...rest] = args;
    if (Array.isArray(first))
      first[0] = placed(first[0]); // by net.connect, which has read the arguments
    else if (typeof first === 'object' && first !== null) args[0] = placed(first as TcpNetConnectOpts);
    else if (typeof second === 'string' && second.startsWith(network))
      return Reflect.apply(connect, this, [placed({ port: first as number, host: second }), ...rest]);
    return Reflect.apply(connect, this, args);
  };
}
