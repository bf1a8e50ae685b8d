import { register } from 'node:module';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** The folder of this program's code: what a plug-in imports of it keeps no state of a limiter. */
const OURS = new URL('../../', import.meta.url).href;

/**
 * The hooks of the module loader, which run in a thread of their own: what a module with `?copy=...` imports gets the same
 * query, so that each copy has modules of its own. They name each import, and what has no copies: CommonJS, and `node:module`
 * that loads it.
 */
const HOOKS = `
  let port, ours;
  export function initialize(data) {
    ({ port, ours } = data);
  }
  const copyOf = (url = '') => /[?&](copy=[^&]*)/.exec(url)?.[1];
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    const copy = copyOf(context.parentURL);
    if (copy === undefined) return found;
    port.postMessage({ url: found.url, isShared: found.url === 'node:module' });
    if (!found.url.startsWith('file:') || found.url.startsWith(ours)) return found;
    return { ...found, url: found.url + (found.url.includes('?') ? '&' : '?') + copy };
  }
  export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (copyOf(url) !== undefined && loaded.format === 'commonjs') port.postMessage({ url: url.replace(/[?&]copy=.*/, ''), isShared: true });
    return loaded;
  }
`;

let imports: MessagePort | undefined;

/** From now on what a copy of a plug-in imports is a copy, too. */
export function copyImports(): void {
  if (imports !== undefined) return;
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  imports = port1;
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
    data: { port: port2, ours: OURS },
    transferList: [port2],
  });
}

/** What a copy of a plug-in has imported. */
interface Import {
  readonly url: string;
  /** All copies have the same one. */
  readonly isShared: boolean;
}

/** The imports of copies since the last call. */
export function importsOfCopies(): Import[] {
  const found: Import[] = [];
  for (let next = receive(); next !== undefined; next = receive()) found.push(next);
  return found;
}

function receive(): Import | undefined {
  return imports && receiveMessageOnPort(imports)?.message;
}
