import { expect, it } from 'vitest';
import { parseEndpoints } from './parse.ts';
import { endpointsDocument } from './to-document.ts';

const NODES = [
  { name: 'a-0', region: 'a', address: 'rediss://10.0.0.1:6379' },
  { name: 'b-0', region: 'b', address: 'rediss://[fd00::1]:6380' },
];
const PLAIN = [{ name: 'redis', region: 'a', address: 'localhost:7001' }];

it.each([
  { title: 'one server', written: { kind: 'single', regions: ['a', 'b'], nodes: PLAIN } },
  { title: 'a cluster', written: { regions: ['a'], nodes: PLAIN, username: 'ada' } },
  { title: 'TLS', written: { regions: ['a', 'b'], nodes: NODES } },
  { title: 'TLS of one authority', written: { regions: ['a', 'b'], nodes: NODES, tls: { ca: 'ca.pem' } } },
  {
    title: 'Sentinels',
    written: {
      ...{ kind: 'sentinel', regions: ['a'], nodes: PLAIN },
      sentinel: { primary: 'mymaster', addresses: ['localhost:26379'] },
    },
  },
  { title: 'services', written: { regions: ['a'], services: { a: 'https://a.example.com/x' } } },
  {
    title: 'links',
    written: {
      ...{ regions: ['a', 'b'], nodes: PLAIN },
      ...{ toxiproxy: { a: 'http://127.0.0.1:8474' }, roundTripMs: { 'a:b': 80 } },
    },
  },
])('writes $title, so that the same is read again', ({ written }) => {
  const endpoints = parseEndpoints(JSON.stringify(written), 'it.yaml');
  expect(parseEndpoints(JSON.stringify(endpointsDocument(endpoints)), 'it.yaml')).toEqual(endpoints);
});
