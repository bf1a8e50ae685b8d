import { expect, it } from 'vitest';
import type { Upstream } from './forward.ts';
import { ServicesInTurn } from './services-in-turn.ts';

it.each([
  ['that no connection was made', { code: 'EHOSTUNREACH', syscall: 'connect' }, 503, 'none'],
  ['that the name is not known', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }, 503, 'none'],
  ['that connecting took too long', { code: 'UND_ERR_CONNECT_TIMEOUT' }, 503, 'none'],
  ['that the way was lost while it read', { code: 'EHOSTUNREACH', syscall: 'read' }, 504, 'possible'],
  ['that the way was lost while it wrote', { code: 'ENETUNREACH', syscall: 'write' }, 504, 'possible'],
  ['that the connection was reset', { code: 'ECONNRESET', syscall: 'read' }, 504, 'possible'],
  ['no code at all', {}, 504, 'possible'],
])('reports the charge when an upstream fails with %s', async (_title, failure, status, charge) => {
  const upstream = { forward: () => Promise.reject(Object.assign(new Error('failed'), failure)) };
  const services = new ServicesInTurn(upstream as unknown as Upstream, []);
  expect(await services.forward({ path: '/', method: 'POST', headers: {} })).toMatchObject({
    status,
    charge,
  });
});
