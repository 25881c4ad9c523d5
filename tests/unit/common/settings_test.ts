import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import {
  findSetting,
  type SettingName,
  SETTINGS,
  Settings,
  settingVariable,
  writeSetting,
} from "../../../lib/common/settings.ts";
import { tempDir } from "../git_interface/fixture.ts";

const load = (home: Home, env: Record<string, string> = {}) =>
  Settings.load(home, (name) => env[name]);

Deno.test("without a file every setting has its default, and all defaults are valid", async () => {
  await using temp = await tempDir();
  const settings = await load(new Home(join(temp.path, "none")));
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    assert.deepEqual(settings.get(name), SETTINGS[name].fallback);
    assert.equal(settings.origin(name), "default");
    assert.equal(findSetting(name.toUpperCase()), name);
  }
  settings.check();
  assert.equal(findSetting("torrent.nothing"), undefined);
});

Deno.test("the environment overrides the file, and the file the default", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  await writeSetting(home, "torrent.maxConnections", "7");
  assert.equal(settingVariable("torrent.maxConnections"), "GTR_TORRENT_MAXCONNECTIONS");
  const file = await load(home);
  assert.deepEqual(
    [file.get("torrent.maxConnections"), file.origin("torrent.maxConnections")],
    [7, "file"],
  );
  const env = await load(home, { GTR_TORRENT_MAXCONNECTIONS: "9" });
  assert.deepEqual(
    [env.get("torrent.maxConnections"), env.origin("torrent.maxConnections")],
    [9, "environment"],
  );
  const empty = await load(home, { GTR_TORRENT_MAXCONNECTIONS: "" });
  assert.deepEqual(
    [empty.get("torrent.maxConnections"), empty.origin("torrent.maxConnections")],
    [7, "file"],
  );
});

Deno.test("lists, numbers and yes or no are read as people write them", async () => {
  await using temp = await tempDir();
  const of = async (name: SettingName, text: string) =>
    (await load(new Home(temp.path), { [settingVariable(name)]: text })).get(name);
  assert.deepEqual(await of("torrent.bootstrap", "none"), []);
  assert.deepEqual(await of("torrent.bootstrap", "127.0.0.1:1, host:2,"), [
    "127.0.0.1:1",
    "host:2",
  ]);
  for (const yes of ["1", "true", "YES", "on"]) {
    assert.equal(await of("daemon.autostart", yes), true);
  }
  for (const no of ["0", "false", "No", "off"]) {
    assert.equal(await of("daemon.autostart", no), false);
  }
  assert.equal(await of("network.timeout", "3600"), 3600);
});

Deno.test("a wrong value is refused with its form, in the environment, the file and on writing", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  const wrong: [SettingName, string][] = [
    ["network.timeout", "0"],
    ["network.timeout", "15s"],
    ["network.timeout", "1e1"],
    ["torrent.port", "65536"],
    ["torrent.port", "-1"],
    ["daemon.autostart", "maybe"],
    ["torrent.bootstrap", "host"],
    ["torrent.host", "localhost"],
    ["torrent.host", "[::1]"],
    ["torrent.bootstrap", "::1:6881"],
  ];
  for (const [name, value] of wrong) {
    await assert.rejects(writeSetting(home, name, value), {
      name: "UsageError",
      code: "bad-setting",
      message: `can't use '${value}' for ${name}: it must be ${SETTINGS[name].form}`,
    });
    const settings = await load(home, { [settingVariable(name)]: value });
    assert.throws(() => settings.get(name), { code: "bad-setting" });
    assert.throws(() => settings.check(), { code: "bad-setting" });
    await Deno.writeTextFile(
      home.config,
      JSON.stringify({ version: 1, settings: { [name]: value } }),
    );
    const file = await load(home);
    assert.throws(() => file.get(name), { code: "bad-setting" });
    await Deno.remove(home.config);
  }
});

Deno.test("what a later version wrote is kept, and a name in other letters is the same setting", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  await Deno.writeTextFile(
    home.config,
    JSON.stringify({
      version: 1,
      theme: "dark",
      settings: { "later.setting": "x", "Torrent.Port": "1000" },
    }),
  );
  assert.equal((await load(home)).get("torrent.port"), 1000);
  await writeSetting(home, "torrent.port", "2000");
  assert.equal((await load(home)).get("torrent.port"), 2000);
  const read = async () => JSON.parse(await Deno.readTextFile(home.config));
  assert.deepEqual(await read(), {
    version: 1,
    theme: "dark",
    settings: { "later.setting": "x", "torrent.port": "2000" },
  });
  await writeSetting(home, "torrent.port", undefined);
  assert.deepEqual((await read()).settings, { "later.setting": "x" });
  assert.equal((await load(home)).origin("torrent.port"), "default");
});

Deno.test("a file that gtr did not write is an error with a hint, and is left as it is", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  for (const text of ["", "{", "[]", '{"version":2,"settings":{}}', '{"version":1}']) {
    await Deno.writeTextFile(home.config, text);
    await assert.rejects(load(home), { code: "bad-config", hint: /mend it/ });
    await assert.rejects(writeSetting(home, "torrent.port", "1"), { code: "bad-config" });
    assert.equal(await Deno.readTextFile(home.config), text);
  }
});
