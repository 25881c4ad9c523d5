/**
 * Installs what `make` built, or removes it again.
 *
 *     deno run -A scripts/install.ts [--uninstall]
 *
 * The variables PREFIX and DESTDIR say where to, as for other programs' makefiles.
 *
 * @module
 */
import { join } from "node:path";
import { advice } from "./install/advice.ts";
import { InstallError } from "./install/error.ts";
import { install, uninstall } from "./install/place.ts";
import { plan } from "./install/plan.ts";
import { servicePath } from "./install/service.ts";
import { findTarget, type Target } from "./install/target.ts";

const ROOT = join(import.meta.dirname!, "..");
const { os } = Deno.build;
const env = (name: string) => Deno.env.get(name);

async function installHere({ prefix, base, staged }: Target): Promise<void> {
  const home = env("HOME");
  const files = await plan(ROOT, prefix, os, home);
  const upgraded = await install(base, files);
  console.log(`installed ${files.length} files into ${base}`);
  if (staged) return;
  const service = servicePath(os, prefix, home);
  const lines = await advice({
    env,
    os,
    bin: join(prefix, "bin"),
    service: service && join(prefix, service),
    upgraded,
  });
  for (const line of lines) console.log(`  ${line}`);
}

async function uninstallHere({ base, staged }: Target): Promise<void> {
  const count = await uninstall(base);
  console.log(`removed ${count} files from ${base}`);
  if (!staged) {
    console.log("  your identity, settings and store are kept, and a gtd that runs goes on");
  }
}

const [option] = Deno.args;
const uninstalls = option === "--uninstall";
try {
  if (os === "windows") throw new InstallError("can't install on Windows: put dist/bin on PATH");
  const target = findTarget(env);
  await (uninstalls ? uninstallHere(target) : installHere(target));
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  console.error(`${uninstalls ? "uninstall" : "install"}: ${error.message}`);
  Deno.exit(1);
}
