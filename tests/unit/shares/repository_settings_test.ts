import assert from "node:assert/strict";
import {
  readRepositorySettings,
  repositorySettingsPath,
  writeRepositorySettings,
} from "../../../lib/shares/repository_settings.ts";
import { temporaryFolder } from "./support.ts";

Deno.test("repository settings: come back as written, with fields of later versions", async () => {
  await using folder = await temporaryFolder();
  assert.equal(await readRepositorySettings(folder.path), undefined);
  const settings = {
    version: 1 as const,
    name: "hello",
    branches: ["refs/heads/main"],
    tags: "all" as const,
    later: { kept: true },
  };
  await writeRepositorySettings(folder.path, settings);
  assert.deepEqual(await readRepositorySettings(folder.path), settings);
});

Deno.test("repository settings: a damaged file is named, with what to do", async () => {
  await using folder = await temporaryFolder();
  const path = repositorySettingsPath(folder.path);
  const good = { version: 1, name: "x", branches: [], tags: "reachable" };
  await writeRepositorySettings(folder.path, { ...good, version: 1, tags: "all" });
  const bad = [
    "",
    "{",
    "[]",
    { ...good, version: 2 },
    { ...good, name: "" },
    { ...good, tags: "none" },
    { ...good, branches: ["main"] },
    { ...good, branches: ["refs/tags/v1"] },
  ];
  for (const content of bad) {
    await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
    await assert.rejects(
      readRepositorySettings(folder.path),
      (error: { code: string; message: string; hint: string }) =>
        error.code === "bad-repository-settings" && error.message.includes(path) &&
        error.hint !== undefined,
    );
  }
});
