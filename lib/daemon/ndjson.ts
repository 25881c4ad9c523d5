/**
 * Answers that take time: a line of JSON for each progress report, then one for the outcome.
 *
 * @module
 */
import * as v from "valibot";
import { GtrError, toGtrError } from "../common/errors.ts";
import type { Progress, Trace, Wait } from "../common/wait.ts";

/** While nothing happens a line is sent all the same, so that the client knows that gtd lives. */
const HEARTBEAT_MS = 2000;
/** Progress is reported at most this often. */
const REPORT_MS = 100;
/** Steps told of one request, and characters of one of them. */
const MAX_STEPS = 200;
const MAX_STEP_LENGTH = 300;
/** A line longer than this is not ours. Manifests of large repositories are a few megabytes. */
export const MAX_LINE = 64 << 20;

/** What the client wants to be told beside the result: "progress", "trace" or both. */
export const TELL_HEADER = "gtr-tell";

export const ProgressLine = v.object({
  progress: v.object({ done: v.number(), total: v.number(), what: v.string() }),
});
/** A step of the work, and the milliseconds from its beginning. */
export const StepLine = v.object({ step: v.object({ ms: v.number(), what: v.string() }) });
export const ErrorLine = v.object({
  error: v.object({
    code: v.string(),
    message: v.string(),
    hint: v.optional(v.string()),
    exit: v.optional(v.number()),
  }),
});

/**
 * Runs `work` and streams what it reports; the client's going away aborts it.
 *
 * @param told what the client wants: progress, or a timeline, which is each step with the
 * milliseconds since this call. Without progress, `work` isn't asked for any either
 */
export function streamWork(
  work: (wait: Wait) => Promise<unknown>,
  told: readonly string[] = [],
): Response {
  const began = performance.now();
  const abort = new AbortController();
  const encoder = new TextEncoder();
  let heartbeat: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array>({
    async start(stream) {
      let open = true;
      const send = (line: unknown) => {
        if (open) stream.enqueue(encoder.encode(JSON.stringify(line) + "\n"));
      };
      let steps = 0;
      const trace: Trace = (step, agoMs = 0) => {
        if (++steps > MAX_STEPS) return;
        const ms = performance.now() - began - agoMs;
        send({ step: { ms, what: step.slice(0, MAX_STEP_LENGTH) } });
      };
      let latest = { done: 0, total: 0, what: "" };
      let reported = 0;
      const progress: Progress = (done, total, what) => {
        latest = { done, total, what };
        const now = performance.now();
        if (now - reported < REPORT_MS && done !== total) return;
        reported = now;
        send({ progress: latest });
      };
      heartbeat = setInterval(() => send({ progress: latest }), HEARTBEAT_MS);
      abort.signal.addEventListener("abort", () => open = false);
      try {
        const result = await work({
          signal: abort.signal,
          ...(told.includes("trace") ? { trace } : {}),
          ...(told.includes("progress") ? { progress } : {}),
        });
        send({ result });
      } catch (error) {
        send({ error: toGtrError(error).toJSON() });
      } finally {
        clearInterval(heartbeat);
        if (open) stream.close();
        open = false;
      }
    },
    cancel() {
      clearInterval(heartbeat);
      abort.abort(new GtrError("cancelled", "cancelled: the client went away"));
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
}

/**
 * The lines of a body, parsed.
 *
 * @param signal cancels the body, whoever sends it
 */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  let rest = "";
  for await (const text of textsOf(body, signal)) {
    const [end, ...lines] = text.split("\n");
    rest += end; // not searched again: a line can be megabytes in small pieces
    if (rest.length > MAX_LINE) throw new GtrError("bad-answer", "gtd sent an endless line");
    for (const line of lines) {
      if (rest) yield JSON.parse(rest);
      rest = line;
    }
  }
}

/** A body as it comes, decoded. */
export async function* textsOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const cancel = () => reader.cancel(signal.reason).catch(() => {}); // it has broken off by itself
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await reader.read();
      signal.throwIfAborted(); // what is cancelled is done as well
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await cancel();
  }
}
