/**
 * The client of the control API, over gtd's socket.
 *
 * @module
 */
import * as v from "valibot";
import { errorFromBody, GtrError, NetworkError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { idleDeadline, type Wait } from "../common/wait.ts";
import { ErrorLine, ProgressLine, readLines, StepLine, TELL_HEADER, textsOf } from "./ndjson.ts";
import { callsBy, type Gtd, type OperationName, OPERATIONS } from "./operations.ts";
import { socketPath } from "./socket.ts";
import { sendOverUnix } from "./unix_http.ts";

/** gtd sends a line every two seconds while it works; silence for this long means that it is stuck. */
const SILENCE_MS = 30_000;
/** A gtd that takes longer to say who it is counts as none. */
const VERSION_MS = 5000;

/** A client of the gtd that runs on `home`; undefined if none does. */
export async function runningGtd(home: Home): Promise<Gtd | undefined> {
  const socket = await socketPath(home);
  const calls = callsBy((name, request, wait) => call(socket, name, request, wait));
  try {
    await calls.version({}, { signal: AbortSignal.timeout(VERSION_MS) });
    return { ...calls, [Symbol.asyncDispose]: () => Promise.resolve() };
  } catch {
    return undefined;
  }
}

async function call(
  socket: string,
  name: OperationName,
  request: unknown,
  wait: Wait,
): Promise<unknown> {
  using silence = idleDeadline(SILENCE_MS, "an answer from gtd", wait.signal, "gtr daemon logs");
  const began = performance.now();
  const answer = await send(socket, name, request, { ...wait, signal: silence.signal });
  try {
    for await (const line of readLines(answer, silence.signal)) {
      silence.touch();
      if (v.is(ProgressLine, line)) {
        const { done, total, what } = line.progress;
        if (what) wait.progress?.(done, total, what);
      } else if (v.is(StepLine, line)) {
        wait.trace?.(`gtd: ${line.step.what}`, performance.now() - began - line.step.ms);
      } else if (v.is(ErrorLine, line)) {
        throw errorFromBody(line.error);
      } else {
        return resultOf(name, line);
      }
    }
  } catch (error) {
    throw error instanceof Deno.errors.ConnectionReset ? gone(error) : error;
  }
  throw gone();
}

/** The body of the answer, if it is no error. */
async function send(
  socket: string,
  name: OperationName,
  request: unknown,
  { signal, progress, trace }: Wait,
): Promise<ReadableStream<Uint8Array>> {
  const told = [...progress ? ["progress"] : [], ...trace ? ["trace"] : []];
  const answer = await sendOverUnix(socket, {
    path: `/v1/${name}`,
    headers: { "content-type": "application/json", [TELL_HEADER]: told.join(" ") },
    body: JSON.stringify(request),
    signal,
  }).catch((error) => {
    signal.throwIfAborted();
    throw gone(error); // nobody listens
  });
  if (answer.status === 200) return answer.body;
  const text = (await Array.fromAsync(textsOf(answer.body, signal))).join("");
  const error = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorLine), text);
  if (error.success) throw errorFromBody(error.output.error);
  throw badAnswer(`gtd answered ${answer.status} to ${name}`);
}

function resultOf(name: OperationName, line: unknown): unknown {
  const { answer } = OPERATIONS[name];
  const parsed = v.safeParse(v.object({ result: answer as v.GenericSchema }), line);
  if (parsed.success) return parsed.output.result;
  throw badAnswer(`can't read gtd's answer to ${name}: ${parsed.issues[0].message}`);
}

function badAnswer(message: string): GtrError {
  return new GtrError("bad-answer", message, {
    hint: "gtr and gtd may be of different versions: gtr daemon stop, then try again",
  });
}

function gone(cause?: unknown): NetworkError {
  return new NetworkError("gtd-gone", "gtd ended before it answered", {
    hint: "run it again; gtr daemon logs may say why it ended",
    cause,
  });
}
