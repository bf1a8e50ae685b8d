import { describe, expect, it } from 'vitest';
import { type Effect, NEVER, Store } from './store.ts';

const set = (key: string, expireAtMs: number): Effect => ({ type: 'set', key, value: 'v', expireAtMs });
const primary = (nowMs: number) => ({ nowMs, isReplica: false });
const replica = (nowMs: number) => ({ nowMs, isReplica: true });

function linked(): { store: Store; copy: Store; replicate(): void } {
  const [store, copy] = [new Store(), new Store()];
  return {
    store,
    copy,
    replicate() {
      for (const effect of store.takeEffects()) copy.apply(effect);
    },
  };
}

describe('the store of a node', () => {
  it('has a key up to the millisecond of its expiry, and orders its end', () => {
    const { store, copy, replicate } = linked();
    store.write(set('a', 1000));
    replicate();
    expect(store.find('a', primary(1000))).toBeDefined();
    expect(store.takeEffects()).toEqual([]);
    expect(store.find('a', primary(1001))).toBeUndefined();
    expect(copy.dump()).toHaveLength(1);
    replicate();
    expect(copy.dump()).toEqual([]);
  });

  it('hides a key that is over on a replica, which has it again when its clock steps back', () => {
    const store = new Store();
    store.apply(set('a', 1000));
    expect(store.find('a', replica(1001))).toBeUndefined();
    expect(store.find('a', replica(900))).toBeDefined();
    expect(store.takeEffects()).toEqual([]);
  });

  it('deletes keys that are over a few at a time, and comes round', () => {
    const store = new Store();
    for (let i = 0; i < 10; i++) store.write(set(`${i}`, i < 5 ? 1000 : NEVER));
    store.takeEffects();
    store.deleteExpired(2000, 4);
    expect(store.dump()).toHaveLength(6);
    expect(store.takeEffects()).toHaveLength(4);
    store.write(set('again', 1000));
    for (let i = 0; i < 3; i++) store.deleteExpired(2000, 4);
    expect(store.dump().map(({ key }) => key)).toEqual(['5', '6', '7', '8', '9']);
    for (let i = 5; i < 10; i++) store.write(set(`${i}`, 3000));
    for (let i = 0; i < 3; i++) store.deleteExpired(4000, 4);
    expect(store.dump()).toEqual([]);
  });

  it('gives a copy that does not change with it', () => {
    const store = new Store();
    store.write({ type: 'set-fields', key: 'hash', fields: [['f', '1']] });
    store.append('stream', { ms: 0, seq: 1, fields: ['a', '1'] }, NEVER, true);
    const copy = store.copy();
    const before = copy.dump();
    for (const each of [store, copy]) {
      each.write({ type: 'set-fields', key: 'hash', fields: [['f', '2']] });
      each.append('stream', { ms: 0, seq: 2, fields: ['a', '2'] }, NEVER, true);
      if (each === store) expect(copy.dump()).toEqual(before);
    }
    expect(copy.dump()).toEqual(store.dump());
    expect(copy.takeEffects()).toHaveLength(2);
  });

  it('leaves no hash without a field', () => {
    const { store, copy, replicate } = linked();
    store.write({ type: 'set-fields', key: 'hash', fields: [['f', '1']] });
    store.write({ type: 'delete-fields', key: 'hash', fields: ['f'] });
    replicate();
    expect([...store.dump(), ...copy.dump()]).toEqual([]);
  });
});
