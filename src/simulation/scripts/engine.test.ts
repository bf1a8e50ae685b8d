import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makePolicy } from '../../core/policy.ts';
import { loadScript, policyArgs, type Script } from '../../limiter/redis/script.ts';
import { ScriptEngine } from './engine.ts';
import { Store } from './store.ts';

const engine = ScriptEngine.open();
const START_US = 1_764_354_000_123_456;

function script(source: string): Script {
  return { name: 'test', source, sha: createHash('sha1').update(source).digest('hex') };
}

function host({ store = new Store(), clockUs = START_US, isReplica = false, readOnly = false } = {}) {
  return { store, clockUs, isReplica, readOnly, replicationId: 'f'.repeat(40) };
}

function run(source: string, on = host(), keys: string[] = [], args: string[] = []) {
  return engine.run(script(source), keys, args, on);
}

describe('the engine of scripts', () => {
  it('runs the script of a take until the bucket is empty, and after its refill', () => {
    const policy = makePolicy(2, '1/s');
    const args = [...policyArgs(policy), String(policy.quantaPerToken)];
    const store = new Store();
    const take = (clockUs: number) =>
      engine.run(loadScript('take'), ['user'], args, host({ store, clockUs }));
    expect(take(START_US)).toEqual({ values: [1, 1_000_000, 0, START_US, 0] });
    expect(take(START_US)).toEqual({ values: [1, 0, 0, START_US, 0] });
    expect(take(START_US + 400_000)).toEqual({ values: [0, 400_000, 600_000, START_US + 400_000, 0] });
    expect(take(START_US + 1_000_000)).toEqual({ values: [1, 0, 0, START_US + 1_000_000, 0] });
    expect(take(START_US)).toEqual({ values: [0, 0, 2_000_000, START_US, 1_000_000] });
  });

  it('replies integers and text, up to the first nil', () => {
    expect(run("return { 1.9, -1.9, 2^53, 'a', tostring(1), nil, 3 }")).toEqual({
      values: [1, -1, 2 ** 53, 'a', '1'],
    });
  });

  it('gives keys, arguments and values of any bytes, and text in UTF-8', () => {
    const on = host();
    const all = "local all = '' for i = 0, 255 do all = all .. string.char(i) end ";
    run(`${all} redis.call('SET', KEYS[1], all) return {}`, on, ['zürich']);
    const [found] = on.store.dump();
    expect(found?.key).toBe(Buffer.from('zürich').toString('latin1'));
    expect(found?.value).toBe(String.fromCharCode(...Array(256).keys()));
    expect(run(`${all} return { redis.call('GET', KEYS[1]) == all and 1 or 0 }`, on, ['zürich'])).toEqual({
      values: [1],
    });
    expect(run('return { ARGV[1] }', on, [], ['naïve €'])).toEqual({ values: ['naïve €'] });
  });

  it('gives the texts of each run, kept or not', () => {
    const texts = ['ada', 'zürich', 'x'.repeat(300), '', 'ada', 'zürich'];
    const source =
      "redis.call('SET', KEYS[1], ARGV[1]) return { KEYS[1], ARGV[1], redis.call('GET', KEYS[2]) }";
    for (const key of texts)
      for (const value of texts) {
        const on = host();
        expect(run(source, on, [key, key], [value])).toEqual({ values: [key, value, value] });
        expect(on.store.dump().map((entry) => entry.key)).toEqual([Buffer.from(key).toString('latin1')]);
      }
  });

  it('gives more texts than it keeps', () => {
    const echo = script('return { KEYS[1], ARGV[1] }');
    const on = host();
    const values = Array.from({ length: 12_000 }, (_, nth) => engine.run(echo, ['ada'], [`${nth}`], on));
    expect(values).toEqual(values.map((_, nth) => ({ values: ['ada', `${nth}`] })));
  });

  it('says where an error was raised, as Redis does', () => {
    const on = host();
    run("redis.call('HSET', 'hash', 'field', 1) return {}", on);
    const wrong = "local a = 1\nreturn redis.call('GET', 'hash')";
    expect(run(wrong, on)).toEqual({
      error:
        'WRONGTYPE Operation against a key holding the wrong kind of value ' +
        `script: ${script(wrong).sha}, on @user_script:2.`,
    });
    expect(run("return { redis.pcall('GET', 'hash').err }", on)).toEqual({
      values: ['WRONGTYPE Operation against a key holding the wrong kind of value'],
    });
    expect(run("error({ err = 'BUCKETMOVED move 7' })", on)).toMatchObject({
      error: expect.stringMatching(/^BUCKETMOVED move 7 script: /),
    });
    expect(run("return redis.error_reply('BUCKETMOVING move 7')", on)).toEqual({
      error: 'BUCKETMOVING move 7',
    });
    expect(run("return { struct.unpack('<d', 'short') }", on)).toMatchObject({
      error: expect.stringContaining('data string too short'),
    });
    expect(run("return { struct.pack('<dd', 1) }", on)).toMatchObject({
      error: expect.stringContaining("to 'pack' (number expected, got nil)"),
    });
    expect(run("return redis.call('ZADD', 'a', 1, 'b')", on)).toMatchObject({
      error: expect.stringMatching(/^ERR a simulation has no command ZADD /),
    });
    expect(run('return {', on)).toMatchObject({ error: expect.stringContaining('Error compiling script') });
    expect(run('return { 1 }', on)).toEqual({ values: [1] });
  });

  it.each([
    ['a variable', 'leak = 1', "return { type(rawget(_G, 'leak')) }", 'nil'],
    ['a library', "string.leak = 'x'", 'return { type(string.leak) }', 'nil'],
    ['a library by rawset', "rawset(string, 'leak', 'x')", 'return { type(string.leak) }', 'nil'],
    ['a library in place of another', 'math = {}', 'return { type(math.max) }', 'function'],
    ['a library as a list', "table.insert(string, 'x')", 'return { type(string[1]) }', 'nil'],
    ['the methods of text', "getmetatable('').__index.upper = nil", "return { ('a'):upper() }", 'A'],
    ['how text is read', "getmetatable('').__index = {}", "return { ('a'):upper() }", 'A'],
  ])('keeps %s of one script from the next', (_, source, next, want) => {
    expect(run(source)).toMatchObject({
      error: expect.stringContaining('Attempt to modify a readonly table'),
    });
    expect(run(next)).toEqual({ values: [want] });
  });

  it.each(['missing', 'io', 'os', 'debug', 'require', 'coroutine'])('has no variable %s', (name) => {
    expect(run(`return { ${name} }`)).toMatchObject({
      error: expect.stringContaining(`nonexistent global variable '${name}'`),
    });
  });

  it.each([
    ['on a replica', { isReplica: true }, /^READONLY /],
    ['by EVAL_RO', { readOnly: true }, /^ERR .*(?:read-only scripts|\*_ro command)/],
  ])('refuses writes %s', (_, how, message) => {
    const on = host(how);
    for (const source of ["redis.call('SET', 'a', 1)", "#!lua\nredis.call('SET', 'a', 1)"])
      expect(run(source, on)).toMatchObject({ error: expect.stringMatching(message) });
    expect(on.store.dump()).toEqual([]);
    expect(run("#!lua flags=no-writes\nreturn { redis.call('EXISTS', 'a') }", on)).toEqual({ values: [0] });
  });

  it('is one for all simulations, until a command throws: its state may be damaged then', async () => {
    const first = ScriptEngine.open();
    expect(ScriptEngine.open()).toBe(first);
    const store = new Store();
    store.write = () => {
      throw new Error('a mistake of ours');
    };
    const throwing = () => first.run(script("return { redis.call('SET', 'a', 1) }"), [], [], host({ store }));
    expect(throwing).toThrow('a mistake of ours');
    const second = ScriptEngine.open();
    expect(second).not.toBe(first);
    expect(second.run(script('return { 7 }'), [], [], host())).toEqual({ values: [7] });
  });

  it('is a new one after many scripts', async () => {
    const first = ScriptEngine.open();
    for (let nth = 0; nth <= 1_000; nth++) first.run(script(`return { ${nth} }`), [], [], host());
    expect(ScriptEngine.open()).not.toBe(first);
  });
});
