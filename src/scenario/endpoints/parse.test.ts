import { describe, expect, it } from 'vitest';
import { parseEndpoints } from './parse.ts';

const parse = (text: string) => parseEndpoints(text, 'e.yaml');
const NODE = '{ name: n, region: a, address: "h:1" }';

describe('an endpoints file', () => {
  it('is read as YAML, with every default', () => {
    expect(parse(`regions: [a]\nnodes: [${NODE}]`)).toEqual({
      ...{ kind: 'cluster', regions: ['a'], services: {}, toxiproxy: {}, roundTripMs: {} },
      nodes: [{ name: 'n', region: 'a', address: { host: 'h', port: 1 } }],
    });
  });

  it('is read as JSON, with all that it can have', () => {
    const written = {
      ...{ $schema: 'endpoints.schema.json', kind: 'sentinel', regions: ['a', 'b'], username: 'app' },
      nodes: [{ name: 'n', region: 'a', address: 'rediss://[::1]:6380' }],
      tls: { ca: 'ca.pem', serverName: 'redis.internal' },
      sentinel: { primary: 'mymaster', addresses: ['rediss://s:26379'] },
      toxiproxy: { a: 'http://127.0.0.1:8474' },
      roundTripMs: { 'b:a': 80 },
    };
    const { $schema: _, ...rest } = written;
    expect(parse(JSON.stringify(written))).toEqual({
      ...rest,
      nodes: [{ name: 'n', region: 'a', address: { host: '::1', port: 6380 } }],
      sentinel: { primary: 'mymaster', addresses: [{ host: 's', port: 26379 }] },
      services: {},
    });
  });

  it('may have services instead of nodes', () => {
    expect(parse('regions: [a]\nservices: { a: "https://api.example.com/x?y=1" }')).toMatchObject({
      nodes: [],
      services: { a: 'https://api.example.com/x?y=1' },
    });
  });

  it.each([
    ['is no YAML', '{', '1:2 Flow map must end with a }'],
    ['is empty', '{}', '1:1 regions: expected a list of regions, at least 1; found nothing'],
    ['has neither nodes nor services', 'regions: [a]', '1:1 expected either nodes (of Redis) or services'],
    [
      'has both',
      `regions: [a]\nnodes: [${NODE}]\nservices: { a: "http://h" }`,
      '1:1 expected either nodes (of Redis) or services (over HTTP)',
    ],
    [
      'names an unknown region',
      'regions: [a]\nnodes:\n  - { name: n, region: x, address: "h:1" }',
      '3:24 nodes[0].region: expected one of the regions a; found "x"',
    ],
    [
      'has an address without a port',
      'regions: [a]\nnodes:\n  - { name: n, region: a, address: h }',
      '3:36 nodes[0].address: expected host:port or redis[s]://host:port, without user and password; found "h"',
    ],
    [
      'has a port that is none',
      `regions: [a]\nnodes: [{ name: n, region: a, address: "h:0" }]`,
      'found "h:0"',
    ],
    [
      'has a Toxiproxy of no region',
      `regions: [a]\nnodes: [${NODE}]\ntoxiproxy: { x: "http://h" }`,
      '3:14 toxiproxy.x: expected one of the regions a; found "x"',
    ],
    ['has a typo', `regions: [a]\nnods: [${NODE}]`, '2:1 nods: unknown key "nods"; did you mean "nodes"?'],
    [
      'has a name twice',
      `regions: [a]\nnodes: [${NODE}, ${NODE}]`,
      'nodes[1].name: this name is there twice',
    ],
    [
      'is of kind sentinel without any',
      `kind: sentinel\nregions: [a]\nnodes: [${NODE}]`,
      '1:7 kind: kind sentinel',
    ],
    [
      'has Sentinels of another kind',
      `regions: [a]\nnodes: [${NODE}]\nsentinel: { primary: m, addresses: ["s:1"] }`,
      '3:1 sentinel: only kind sentinel has this',
    ],
    [
      'has a second server in a region of kind single',
      `kind: single\nregions: [a]\nnodes: [${NODE}, { name: m, region: a, address: "h:2" }]`,
      'of kind single a region has one server',
    ],
    [
      'has servers in some regions of kind single',
      `kind: single\nregions: [a, b, c]\nnodes: [${NODE}, { name: m, region: b, address: "h:2" }]`,
      'found none in c',
    ],
    [
      'checks certificates without TLS',
      `regions: [a]\nnodes: [${NODE}]\ntls: {}`,
      '3:1 tls: tls needs addresses',
    ],
    [
      'uses TLS for some nodes',
      `regions: [a]\nnodes: [${NODE}, { name: m, region: a, address: "rediss://h:2" }]`,
      'expected rediss:// for all addresses or for none',
    ],
    ['has services for some regions', 'regions: [a, b]\nservices: { a: "http://h" }', 'expected a URL for b'],
  ])('that %s is refused with line and column', (_, text, says) => {
    expect(() => parse(text)).toThrow(says);
    expect(() => parse(text)).toThrow(/^(?:\d+ problems\n {2})?e\.yaml:\d+:\d+ /);
  });

  it('with several problems is refused with all of them, in their order', () => {
    const text = `kind: sentinl\nregions: [a]\nnodes: [{ name: n, region: a }]`;
    expect(() => parse(text)).toThrow(
      /^2 problems\n {2}e\.yaml:1:7 kind: .*\n {2}e\.yaml:3:9 nodes\[0\]\.address/,
    );
  });

  it.each([
    `regions: [a]\nnodes: [{ name: n, region: a, address: "redis://u:hunter2@h:1" }]`,
    `regions: [a]\nnodes: [{ name: n, region: a, address: "u:hunter2@h:1" }]`,
    `regions: [a]\nnodes: [${NODE}]\ntoxiproxy: { a: "http://u:hunter2@h" }`,
    'regions: [a]\nservices: { a: "http://u:hunter2@h" }',
    `regions: [a]\nnodes: [{ name: n, region: a, address: "redis://h:1?password=hunter2" }]`,
  ])('with a password is refused, and the password not shown: %s', (text) => {
    expect(() => parse(text)).toThrow(/without user and password; found one with a user or password/);
    expect(() => parse(text)).not.toThrow(/hunter2/);
  });

  it('with a password in its user name is refused, and the password not shown', () => {
    const text = `username: bob:hunter2\nregions: [a]\nnodes: [${NODE}]`;
    expect(() => parse(text)).toThrow(
      '1:11 username: expected a user name, without a password; found something',
    );
    expect(() => parse(text)).not.toThrow(/hunter2/);
  });
});
