import assert from "node:assert/strict";
import { bundleHeader, bundleList } from "../../../../lib/transports/default/bundle.ts";

const pack = { sha256: "cd".repeat(32), size: 1, infohash: "ef".repeat(20), objects: 1 };

Deno.test("bundle: the header of either object format", () => {
  const header = (tips: string[]) => new TextDecoder().decode(bundleHeader({ ...pack, tips }));
  const [one, two] = ["ab".repeat(20), "cd".repeat(20)];
  assert.equal(
    header([one, two]),
    `# v2 git bundle\n${one} refs/heads/tip-1\n${two} refs/heads/tip-2\n\n`,
  );
  const long = "ab".repeat(32);
  assert.equal(
    header([long]),
    `# v3 git bundle\n@object-format=sha256\n${long} refs/heads/tip-1\n\n`,
  );
});

Deno.test("bundle: a list of one, or none", () => {
  assert.equal(bundleList(undefined), "[bundle]\n\tversion = 1\n\tmode = all\n");
  assert.match(bundleList("https://a/b"), /\n\[bundle "base"\]\n\turi = https:\/\/a\/b\n$/);
});
