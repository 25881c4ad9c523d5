/** gtd as a service manager runs it. */
import assert from "node:assert/strict";
import { Node } from "./node.ts";

const EVENT_MS = 60_000;

/** The lines that a child prints, each waited for with a deadline. */
function linesOf(child: Deno.ChildProcess) {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  return async (wanted: RegExp): Promise<void> => {
    const late = AbortSignal.timeout(EVENT_MS);
    const timeout = new Promise<never>((_, reject) =>
      late.addEventListener("abort", () => reject(new Error(`no ${wanted} in time`)))
    );
    for (;;) {
      const lines = buffer.split("\n");
      const found = lines.slice(0, -1).findIndex((line) => wanted.test(line));
      if (found >= 0) {
        buffer = lines.slice(found + 1).join("\n");
        return;
      }
      const { value, done } = await Promise.race([reader.read(), timeout]);
      assert(!done, `ended without ${wanted}`);
      buffer += value;
    }
  };
}

const isLinux = Deno.build.os === "linux"; // others have no 127.0.0.2

Deno.test({
  name: "gtd tells a service manager that it is ready, well, reloading and stopping" +
    (isLinux ? "" : " (needs Linux)"),
  ignore: !isLinux,
  fn: async () => {
    await using alice = await Node.make("none", { GTR_TORRENT_HOST: "" }); // the file decides
    await alice.gtr("config", "torrent.host", "127.0.0.1");
    const socket = alice.path("notify.sock");
    const receiver = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-net", `${import.meta.dirname}/notify_receiver.ts`, socket],
      stdout: "piped",
    }).spawn();
    try {
      const heard = linesOf(receiver);
      await heard(/^listening$/);
      const gtd = new Deno.Command("gtd", {
        env: { ...alice.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: "400000" },
        clearEnv: true,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await heard(/^READY=1$/);
      await heard(/^WATCHDOG=1$/);

      await alice.gtr("config", "torrent.host", "127.0.0.2");
      gtd.kill("SIGHUP");
      await heard(/^RELOADING=1$/);
      await heard(/^READY=1$/);
      assert.match((await alice.status()).transports.torrent.listen, /^127\.0\.0\.2:/);

      gtd.kill("SIGTERM");
      await heard(/^STOPPING=1$/);
      assert.equal((await gtd.status).code, 0);
    } finally {
      receiver.kill();
      await receiver.status;
    }
  },
});

Deno.test("gtd goes on with the old settings where the new ones can't be used", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const { pid } = (await alice.status()).daemon;
  const config = `${alice.home}/config.json`;
  await Deno.writeTextFile(config, '{"version":1,"settings":{"torrent.uploadSlots":"many"}}');
  Deno.kill(pid, "SIGHUP");
  const oid = await alice.commit("hello", "more.txt", "more\n");
  await Deno.remove(config);
  await alice.untilPublished(url, "refs/heads/main", oid);
  assert.equal((await alice.status()).daemon.pid, pid);
});

Deno.test({
  name: "gtr daemon start asks systemd where gtd is a unit of it" +
    (isLinux ? "" : " (needs Linux)"),
  ignore: !isLinux,
  fn: async () => {
    await using alice = await Node.make("none");
    // A stand-in for systemctl, since tests have no service manager of their own.
    const bin = alice.path("bin");
    await Deno.mkdir(bin);
    const script =
      `#!/bin/sh\necho "$@" > "$HOME/asked"\ngtd --background </dev/null >"$HOME/ready" 2>&1 &\n` +
      `until [ -s "$HOME/ready" ]; do :; done\n`;
    await Deno.writeTextFile(`${bin}/systemctl`, script, { mode: 0o755 });
    // What the unit knows of is the settings file, in the default home.
    const env = Object.fromEntries(
      Object.entries(alice.env).filter(([name]) => !name.startsWith("GTR_")),
    );
    const home = alice.path(".local/share/gtr");
    await Deno.mkdir(home, { recursive: true });
    const settings = { "torrent.host": "127.0.0.1", "torrent.bootstrap": "none" };
    await Deno.writeTextFile(`${home}/config.json`, JSON.stringify({ version: 1, settings }));
    const gtr = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("gtr", {
        args,
        env: { ...env, PATH: `${bin}:${env.PATH}` },
        clearEnv: true,
        signal: AbortSignal.timeout(EVENT_MS),
      }).output();
      const text = new TextDecoder();
      assert.equal(code, 0, text.decode(stderr));
      return text.decode(stdout);
    };
    try {
      assert.equal(JSON.parse(await gtr("daemon", "start", "--json")).started, true);
      assert.equal(
        await Deno.readTextFile(alice.path("asked")),
        "--user --quiet start gtd.service\n",
      );
      assert.equal(JSON.parse(await gtr("daemon", "start", "--json")).started, false);
    } finally {
      await gtr("daemon", "stop");
    }
  },
});
