import type { Server } from 'node:http';
import { environmentFailed } from '../../core/errors.ts';
import type { Environment } from './environment.ts';

/** What listens: a service, a gateway, a clock. */
export interface App {
  readonly server: Pick<Server, 'closeAllConnections'>;
  listen(where: { readonly host: string; readonly port: number }): Promise<string>;
  close(): PromiseLike<unknown>;
}

/** Listens, prints the address, and ends on a signal. Throws ENVIRONMENT_FAILED. */
export async function serve(
  app: App,
  options: { readonly host: string; readonly port: number },
  environment: Environment,
): Promise<void> {
  const address = await app
    .listen({ host: options.host, port: options.port })
    .catch(async (error: NodeJS.ErrnoException) => {
      await app.close();
      throw environmentFailed(
        `cannot listen on ${options.host}:${options.port}: ${error.code}`,
        wayOut(error.code),
      );
    });
  environment.out(`listening on ${address}\n`);
  environment.answer?.({ ready: { address } });
  await environment.interrupted();
  app.server.closeAllConnections();
  await app.close();
}

function wayOut(code = ''): string {
  return NO_ADDRESS.has(code)
    ? 'give --host an address of this machine; 0.0.0.0 is all of them'
    : 'choose another port with --port, or 0 for a free one';
}

/** The address is not of this machine, or its name is not known. */
const NO_ADDRESS = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);
