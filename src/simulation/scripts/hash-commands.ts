import { type Command, type Reply, textOf, withValue } from './command.ts';

/** Commands of hashes. Fields keep the order in which they came, as in the small hashes of Redis. */
export const hashCommands: Readonly<Record<string, Command>> = {
  HGET: {
    arity: 3,
    run: ([key, field], host) =>
      withValue('hash', key, host, (fields) => fields?.get(textOf(field)) ?? false),
  },
  HMGET: {
    arity: -3,
    run: ([key, ...names], host) =>
      withValue('hash', key, host, (fields) => names.map((name) => fields?.get(textOf(name)) ?? false)),
  },
  HGETALL: {
    arity: 2,
    run: ([key], host) => withValue('hash', key, host, (fields): Reply => [...(fields ?? [])].flat()),
  },
  HKEYS: {
    arity: 2,
    run: ([key], host) => withValue('hash', key, host, (fields): Reply => [...(fields?.keys() ?? [])]),
  },
  HSET: {
    arity: -4,
    writes: true,
    run([name, ...given], host) {
      if (given.length % 2 === 1) return { err: "ERR wrong number of arguments for 'hset' command" };
      return withValue('hash', name, host, (known, key) => {
        const fields: [string, string][] = [];
        for (let i = 0; i < given.length; i += 2) fields.push([textOf(given[i]), textOf(given[i + 1])]);
        const added = new Set(fields.map(([field]) => field).filter((field) => !known?.has(field)));
        host.store.write({ type: 'set-fields', key, fields });
        return added.size;
      });
    },
  },
  HDEL: {
    arity: -3,
    writes: true,
    run: ([name, ...names], host) =>
      withValue('hash', name, host, (known, key) => {
        const fields = [...new Set(names.map(textOf))].filter((field) => known?.has(field));
        if (fields.length > 0) host.store.write({ type: 'delete-fields', key, fields });
        return fields.length;
      }),
  },
};
