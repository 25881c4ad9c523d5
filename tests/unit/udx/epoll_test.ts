import { abortable } from "../../../lib/common/wait.ts";
import { Epoll } from "../../../lib/udx/epoll.ts";
import type { Libc } from "../../../lib/udx/libc.ts";

const DEADLINE_MS = 60_000;
const SOCKET = 7;
const STRIDE = Deno.build.arch === "x86_64" ? 12 : 16;

Deno.test("epoll: a socket that is always readable is also waited for, so that others have their turn", async () => {
  const waited = Promise.withResolvers<void>();
  let waits = 0;
  const readable = (events: Uint8Array) => {
    new DataView(events.buffer).setInt32(STRIDE - 8, SOCKET, true);
    return 1;
  };
  const epoll = new Epoll({
    epoll_create1: () => 3,
    eventfd: () => 4,
    epoll_ctl: () => 0,
    write: () => 8n,
    epoll_poll: (_fd: number, events: Uint8Array) => readable(events),
    epoll_wait: (_fd: number, events: Uint8Array) => {
      if (++waits === 3) waited.resolve();
      return Promise.resolve(readable(events));
    },
  } as unknown as Libc);
  epoll.add(SOCKET, () => {});
  try {
    await abortable(waited.promise, AbortSignal.timeout(DEADLINE_MS));
  } finally {
    epoll.remove(SOCKET);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
