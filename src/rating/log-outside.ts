import { Socket } from 'node:net';

/**
 * Logs the first connection of this process that is made to the network of a region's address, 127.x.0.0/16, from another
 * address: it is in no region. Clients in native code are not seen.
 */
export function logOutside(localAddress: string, log: (text: string) => void): void {
  const network = /^127\.\d+\./.exec(localAddress)?.[0];
  if (network === undefined) return;
  let isLogged = false;
  const look = (socket: Socket) => {
    const { localAddress: from, remoteAddress = '', remotePort } = socket;
    if (isLogged || !remoteAddress.startsWith(network) || from === localAddress) return;
    isLogged = true;
    log(
      `outside its region: connected to ${remoteAddress}:${remotePort} from ${from}, and not from redis.localAddress, ${localAddress}\n`,
    );
  };
  const { connect } = Socket.prototype; // net.connect, tls.connect and all clients in JavaScript end here
  Socket.prototype.connect = function (this: Socket, ...place: unknown[]) {
    this.once('connect', () => look(this));
    return Reflect.apply(connect, this, place);
  };
}
