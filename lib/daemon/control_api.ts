/**
 * The control API: the operations over HTTP, `POST /v1/<operation>` with a JSON body.
 *
 * An answer is NDJSON: any number of `{"progress":{...}}` lines, then one `{"result":...}` or
 * `{"error":{code,message,hint?}}`.
 *
 * @module
 */
import { toGtrError, UsageError } from "../common/errors.ts";
import { type Daemon, handlers } from "./handlers.ts";
import { MAX_LINE, streamWork, TELL_HEADER, textsOf } from "./ndjson.ts";
import { isOperation } from "./operations.ts";

/** What answers requests on gtd's socket. */
export function controlApi(daemon: Daemon): (request: Request) => Promise<Response> {
  const prepare = handlers(daemon);
  return async (request) => {
    const [, name = ""] = /\/v1\/(\w+)$/.exec(request.url) ?? [];
    if (request.method !== "POST" || !isOperation(name)) return new Response(null, { status: 404 });
    try {
      const work = prepare(name, await json(request));
      return streamWork(work, request.headers.get(TELL_HEADER)?.split(" "));
    } catch (error) {
      return Response.json({ error: toGtrError(error) }, { status: 400 });
    }
  };
}

/** Undefined if it is no JSON, which is no request either. */
async function json({ body, signal }: Request): Promise<unknown> {
  let text = "";
  for await (const part of body ? textsOf(body, signal) : []) {
    text += part;
    if (text.length > MAX_LINE) {
      throw new UsageError("usage-request", "bad request: it is too long");
    }
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
