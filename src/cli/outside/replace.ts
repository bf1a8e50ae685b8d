import type { Call } from './call-origin.ts';

/** Called first, with what stands for the member in a stack, and with the arguments. */
export type Before = (watched: Call, args: readonly unknown[], isNew: boolean) => void;

/**
 * Calls `before` at each call of a member that is a function or is read as one, and at each read of another, until the
 * returned function is called. The last that was replaced is restored first.
 */
export function replaceMember(holder: object, name: PropertyKey, before: Before): () => void {
  const real = Object.getOwnPropertyDescriptor(holder, name);
  if (real === undefined) return () => {};
  const { value } = real;
  if (typeof value !== 'function') return replaceRead(holder, name, real, before);
  const watched = watchedFunction(value, before);
  Object.defineProperty(holder, name, { ...real, value: watched });
  const ofInstances: object | undefined = value.prototype;
  const isItsClass = ofInstances !== undefined && Object.hasOwn(ofInstances, 'constructor');
  const restoreClass = isItsClass
    ? replaceValue(ofInstances, 'constructor', watched) // an instance leads to its class
    : () => {};
  return () => {
    restoreClass();
    Object.defineProperty(holder, name, real);
  };
}

function replaceRead(
  holder: object,
  name: PropertyKey,
  real: PropertyDescriptor,
  before: Before,
): () => void {
  const { get = () => real.value, enumerable = false } = real;
  const watched = new WeakMap<Call, Call>(); // each time the same one
  const read = function (this: unknown) {
    const value: unknown = Reflect.apply(get, this, []);
    if (typeof value !== 'function') before(read, [], false);
    else if (!watched.has(value as Call)) watched.set(value as Call, watchedFunction(value as Call, before));
    return watched.get(value as Call) ?? value;
  };
  Object.defineProperty(holder, name, {
    ...(real.set && { set: real.set }),
    get: read,
    enumerable,
    configurable: true,
  });
  return () => void Object.defineProperty(holder, name, real);
}

function replaceValue(holder: object, name: PropertyKey, value: unknown): () => void {
  const real = Object.getOwnPropertyDescriptor(holder, name) as PropertyDescriptor;
  Object.defineProperty(holder, name, { ...real, value });
  return () => void Object.defineProperty(holder, name, real);
}

/** A proxy has all else of the function, such as what `promisify` needs. */
function watchedFunction(real: Call, before: Before): Call {
  const handler: ProxyHandler<Call> = {
    apply(target, self, args: unknown[]) {
      before(handler.apply as Call, args, false);
      return Reflect.apply(target, self, args);
    },
    construct(target, args, made) {
      before(handler.construct as Call, args, true);
      return Reflect.construct(target, args, made);
    },
  };
  return new Proxy(real, handler);
}
