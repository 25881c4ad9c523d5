import assert from "node:assert/strict";
import { join } from "node:path";
import { launchdAgent, systemdUnit } from "../../../scripts/install/service.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
/** What `systemd-analyze security` may say at most, in tenths: from 0, safe, to 100. */
const EXPOSURE = 60;

async function has(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] })
    .output();
  return success;
}

/** The unit for an executable that exists. */
async function fixture() {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  await Deno.writeTextFile(join(folder, "gtd"), "#!/bin/sh\n", { mode: 0o755 });
  const unit = join(folder, "gtd.service");
  await Deno.writeTextFile(unit, await systemdUnit(ROOT, folder));
  return {
    unit,
    async analyze(...args: string[]) {
      const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
        args: [...args, unit],
        env: { XDG_RUNTIME_DIR: folder, LC_ALL: "C" },
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, said: text(stdout) + text(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

const analyze = await has("systemd-analyze");
const needs = analyze ? "" : " (needs systemd-analyze)";

Deno.test({
  name: `service: the unit is one that systemd understands${needs}`,
  ignore: !analyze,
  async fn() {
    await using made = await fixture();
    const { code, said } = await made.analyze("verify", "--user", "--man=no");
    // What other units of this machine get wrong is not asked.
    assert.deepEqual(said.split("\n").filter((line) => line.includes("gtd.service")), []);
    assert.equal(code, 0, said);
  },
});

Deno.test({
  name: `service: the unit is hardened${needs}`,
  ignore: !analyze,
  async fn() {
    await using made = await fixture();
    const options = ["--user", "--offline=true", `--threshold=${EXPOSURE}`];
    const { code, said } = await made.analyze("security", ...options);
    assert.equal(code, 0, said);
  },
});

Deno.test("service: the unit is supervised, and stops and reloads as gtd does", async () => {
  await using made = await fixture();
  const lines = (await Deno.readTextFile(made.unit)).split("\n");
  const wanted = [
    ...["Type=notify", "NotifyAccess=main", "Restart=on-failure", "TimeoutStopSec=5"],
    ...["ExecReload=kill -HUP $MAINPID", "WatchdogSec=60", "NoNewPrivileges=yes"],
    ...["ProtectSystem=strict", "MemoryMax=50%", "LimitNOFILE=16384", "WantedBy=default.target"],
  ];
  assert.deepEqual(wanted.filter((line) => !lines.includes(line)), []);
});

Deno.test("service: the launch agent is well-formed", async () => {
  const text = await launchdAgent(ROOT, "/opt/a & b/bin");
  if (await has("plutil")) {
    const path = await Deno.makeTempFile({ suffix: ".plist" });
    await Deno.writeTextFile(path, text);
    const { success } = await new Deno.Command("plutil", { args: ["-lint", path] }).output();
    await Deno.remove(path);
    assert.ok(success);
  }
  const open: string[] = [];
  const body = text.replace(/^<\?xml[^?]*\?>\s*<!DOCTYPE[^>]*>/, "").replaceAll(/<!--.*?-->/gs, "");
  for (const [tag, end, name, alone] of body.matchAll(/<(\/?)(\w+)(?: [^<>]*?)?(\/?)>/g)) {
    if (alone) continue;
    if (end) assert.equal(open.pop(), name, tag);
    else open.push(name!);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(body, /&(?!amp;|lt;|gt;)/);
  assert.match(body, /<string>\/opt\/a &amp; b\/bin\/gtd<\/string>/);
});
