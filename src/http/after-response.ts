/** The part of `ServerResponse` of `node:http` that this needs. */
interface Ending {
  readonly closed: boolean;
  readonly writableFinished: boolean;
  once(event: 'finish' | 'close', listener: () => void): unknown;
}

/** Calls `then` once the response is sent or its connection is closed; also if it is already. */
export function onceEnded(response: Ending, then: () => void): void {
  const end = once(then);
  response.once('finish', end);
  response.once('close', end);
  if (response.closed || response.writableFinished) end();
}

/**
 * The same response, which calls `then` once its body has been read, was cancelled or failed; at once if nothing reads it.
 * An upgrade or an error cannot be copied, so `then` is called at once for these too.
 */
export function onceRead({ method }: Request, response: Response, then: () => void): Response {
  if (response.body === null || response.status < 200 || method === 'HEAD') {
    then();
    return response;
  }
  const reader = response.body.getReader();
  const end = once(then); // a cancelled body may also answer a read that waits
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (value !== undefined) controller.enqueue(value);
          if (!done) return;
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        end();
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  ); // reads no more than is asked for
  return new Response(body, response);
}

function once(then: () => void): () => void {
  let isOver = false;
  return () => {
    if (!isOver) then();
    isOver = true;
  };
}
