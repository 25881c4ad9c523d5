/**
 * A network of the test's own (ip-netns(8)), for programs that refuse to talk to a loopback address.
 *
 * @module
 */
import assert from "node:assert/strict";

/** The one address in the namespace that is not loopback. */
export const HOST = "10.77.0.1";

const INSIDE = "GTR_TEST_NAMESPACE";
/** Less than a test may take (scripts/test/deadline.ts), so that what it printed is shown. */
const RUN_MS = 280_000;

/** Whether namespaces can be made: only root can, with iproute2. */
export function hasNamespaces(): boolean {
  if (isInside()) return true;
  try {
    const name = newName();
    ip("netns", "add", name);
    ip("netns", "delete", name);
    return true;
  } catch {
    return false;
  }
}

/** Whether this process runs in such a namespace. */
export function isInside(): boolean {
  return Deno.env.get(INSIDE) !== undefined;
}

/** Runs the tests of a module again, in a namespace that has {@linkcode HOST} and no way out. */
export async function testInside(module: string): Promise<void> {
  const name = newName();
  ip("netns", "add", name);
  try {
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    ip("-n", name, "addr", "add", `${HOST}/24`, "dev", "v0");
    for (const end of ["v0", "v1"]) ip("-n", name, "link", "set", end, "up");
    const { success, stdout, stderr } = await new Deno.Command("ip", {
      args: ["netns", "exec", name, Deno.execPath(), "test", "-A", "--no-check", module],
      env: { [INSIDE]: name },
      signal: AbortSignal.timeout(RUN_MS),
    }).output();
    const text = new TextDecoder();
    assert.ok(success, text.decode(stdout) + text.decode(stderr));
  } finally {
    ip("netns", "delete", name);
  }
}

/** A name for a namespace. */
export function newName(): string {
  return `gtr-test-${crypto.randomUUID().slice(0, 8)}`;
}

/** Runs ip(8). */
export function ip(...args: string[]): void {
  const { success, stderr } = new Deno.Command("ip", { args }).outputSync();
  assert.ok(success, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
