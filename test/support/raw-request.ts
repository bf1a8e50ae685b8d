import { connect } from 'node:net';

/** Sends bytes that no HTTP client would, and gives all that comes back until the server closes. */
export async function rawRequest(baseUrl: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      received += text;
    });
    socket.on('error', () => {}); // a reset after the reply is how a server refuses to read on
    socket.on('close', () => resolve(received));
  });
}
