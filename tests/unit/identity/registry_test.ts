import fc from "fast-check";
import assert from "node:assert/strict";
import { join } from "node:path";
import { GtrError, NetworkError } from "../../../lib/common/errors.ts";
import { abortable } from "../../../lib/common/wait.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { Registry } from "../../../lib/identity/registry.ts";
import { documentUrl, MAX_DOCUMENT, publisherIn } from "../../../lib/identity/registry_document.ts";
import { parseRegistryName } from "../../../lib/identity/registry_name.ts";

const [alice, mallory] = [5, 6].map((seed) => keyFromSeed(new Uint8Array(32).fill(seed)));
const WHO = parseRegistryName("alice@example.org");
const SIGNAL = new AbortController().signal;
const HOUR = 3_600_000;

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** A registry whose domain and clock the test moves. */
class World implements AsyncDisposable {
  /** What the domain gives alice; an error where it can't be asked. */
  says: unknown;
  now = Date.parse("2026-03-01T12:00:00Z");
  asked = 0;
  timeout = 5000;
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(says: unknown): Promise<World> {
    const world = new World(await Deno.makeTempDir({ prefix: "gtr-test-" }));
    world.says = says;
    return world;
  }

  get path(): string {
    return join(this.folder, "home", "registry.json");
  }

  /** As another process would see it: from the file only. */
  registry(): Registry {
    return new Registry({
      path: this.path,
      timeoutMs: this.timeout,
      now: () => this.now,
      ask: () => {
        this.asked++;
        if (this.says instanceof Error) return Promise.reject(this.says);
        return Promise.resolve(
          bytes({ names: this.says === undefined ? {} : { alice: this.says } }),
        );
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("registry: the first use says whom it trusts; then the domain is left alone for an hour", async () => {
  await using world = await World.make(alice!.publicKeyHex);
  const first = await world.registry().lookup(WHO, SIGNAL);
  assert.equal(first.publisher, alice!.publicKeyHex);
  assert.equal(
    first.warning,
    `first use of alice@example.org: trusting example.org that it is ${alice!.id}`,
  );
  world.now += HOUR - 2000;
  const second = await world.registry().lookup(WHO, SIGNAL);
  assert.deepEqual([second, world.asked], [{ publisher: alice!.publicKeyHex }, 1]);
  world.now += 4000;
  assert.deepEqual(await world.registry().lookup(WHO, SIGNAL), second);
  assert.equal(world.asked, 2);
  world.now -= 24 * HOUR; // the clock was wrong
  await world.registry().lookup(WHO, SIGNAL);
  assert.equal(world.asked, 3);
});

Deno.test("registry: another key is refused, says old and new, and is not remembered", async () => {
  await using world = await World.make(alice!.id);
  await world.registry().lookup(WHO, SIGNAL);
  world.now += 48 * HOUR;
  await world.registry().lookup(WHO, SIGNAL); // confirmed: since when doesn't move
  world.now += 48 * HOUR;
  world.says = mallory!.publicKeyHex;
  const changed = {
    name: "RequestError",
    code: "name-changed-key",
    message:
      `can't use alice@example.org: example.org says that it is ${mallory!.id} now, and it ` +
      `was ${alice!.id} since 2026-03-01`,
    hint: /gtr name import --accept-change alice@example\.org$/,
  };
  for (const registry of [world.registry(), world.registry()]) {
    await assert.rejects(registry.lookup(WHO, SIGNAL), changed);
  }
  await assert.rejects(world.registry().confirm(WHO, false, SIGNAL), changed);
  world.says = alice!.id;
  assert.equal((await world.registry().lookup(WHO, SIGNAL)).publisher, alice!.id);
  world.says = mallory!.publicKeyHex;
  assert.equal(await world.registry().confirm(WHO, true, SIGNAL), mallory!.publicKeyHex);
  assert.deepEqual(await world.registry().lookup(WHO, SIGNAL), {
    publisher: mallory!.publicKeyHex,
  });
});

Deno.test("registry: a word is good for an hour, and from a second ahead at most", async () => {
  await using world = await World.make(alice!.id);
  const begun = world.now;
  for (const [ms, asked] of [[-1000, 0], [-1001, 1], [HOUR - 1, 0], [HOUR, 1]] as const) {
    await Deno.remove(world.path).catch(() => {});
    world.now = begun;
    await world.registry().lookup(WHO, SIGNAL);
    world.now += ms;
    world.asked = 0;
    await world.registry().lookup(WHO, SIGNAL);
    assert.equal(world.asked, asked, String(ms));
  }
});

Deno.test("registry: what was imported is held to, though the file knows nothing", async () => {
  await using world = await World.make(alice!.publicKeyHex);
  await assert.rejects(world.registry().confirm(WHO, false, SIGNAL, mallory!.id), {
    code: "name-changed-key",
    message: new RegExp(`it was ${mallory!.id} when it was imported$`),
  });
  const confirm = (accept: boolean, imported: string) =>
    world.registry().confirm(WHO, accept, SIGNAL, imported);
  assert.equal(await confirm(false, alice!.id), alice!.publicKeyHex);
  assert.equal(await confirm(true, mallory!.id), alice!.publicKeyHex);
});

Deno.test("registry: names of another kind are read, kept and shown in its own way", async () => {
  await using world = await World.make(alice!.id);
  await world.registry().lookup(WHO, SIGNAL);
  const key = mallory!.publicKeyHex;
  const kind = {
    prefix: "other:",
    read: () => ({ publisher: key, relays: ["wss://relay.example"] }),
    show: (publisher: string) => `npub-${publisher.slice(0, 4)}`,
    accept: "accept",
    instead: "an npub",
  };
  const ask = (says: Uint8Array | Error) => () =>
    says instanceof Error ? Promise.reject(says) : Promise.resolve(says);
  const options = { path: world.path, timeoutMs: 5000, now: () => world.now, kind };
  const registry = new Registry({ ...options, ask: ask(new Uint8Array()) });
  const shown = kind.show(key);
  assert.deepEqual(await registry.lookup(WHO, SIGNAL), {
    publisher: key,
    relays: kind.read().relays,
    warning: `first use of alice@example.org: trusting example.org that it is ${shown}`,
  });
  assert.deepEqual(await registry.lookup(WHO, SIGNAL), kind.read());
  assert.equal((await world.registry().lookup(WHO, SIGNAL)).publisher, alice!.id);
  const failing = new Registry({ ...options, ask: ask(new Error("away")) });
  await assert.rejects(failing.confirm(WHO, false, SIGNAL), { hint: /or use an npub$/ });
});

Deno.test("registry: a domain that answers again is believed, also if the clock goes back", async () => {
  await using world = await World.make(alice!.id);
  const registry = world.registry();
  await registry.lookup(WHO, SIGNAL);
  world.now += 2 * HOUR;
  world.says = new NetworkError("unreachable", "can't reach example.org: x");
  assert.ok((await registry.lookup(WHO, SIGNAL)).warning);
  world.says = alice!.id;
  world.now += 59_999;
  assert.ok((await registry.lookup(WHO, SIGNAL)).warning);
  world.now += 1;
  assert.equal((await registry.lookup(WHO, SIGNAL)).warning, undefined);
  world.now -= HOUR;
  assert.equal((await registry.lookup(WHO, SIGNAL)).warning, undefined);
});

Deno.test("registry: names have bounds, and say what is wrong with them", () => {
  const long = (user: number, ...labels: number[]) =>
    `${"u".repeat(user)}@${labels.map((n) => "d".repeat(n)).join(".")}`;
  const right = [long(64, 63, 3), long(1, 63, 63, 63, 61), long(64, 63, 63, 63, 61), "a@b-c.d"];
  for (const text of right) assert.ok(parseRegistryName(text), text);
  for (
    const [text, why] of [
      [long(65, 3), /can't be the name of a user/],
      [long(1, 64), /is not the name of a domain/],
      [long(1, 63, 63, 63, 62), /is not the name of a domain/],
      [long(64, 63, 63, 63, 62), /it has 319 characters and 318 is the most/],
      ["alice", /it has no '@'/],
      ["a@-b", /is not the name of a domain/],
      ["a@b-", /is not the name of a domain/],
      ["a@b:", /it has a port/],
    ] as const
  ) assert.throws(() => parseRegistryName(text), { code: "bad-name", message: why }, text);
  for (const names of [[], null, "x", undefined]) {
    assert.throws(() => publisherIn(bytes({ names }), WHO), { code: "bad-registry" });
  }
});

Deno.test("registry: id and key of one publisher are no change, and the key is kept", async () => {
  await using world = await World.make(alice!.id);
  await world.registry().lookup(WHO, SIGNAL);
  for (const said of [alice!.publicKeyHex, alice!.id]) {
    world.now += 2 * HOUR;
    world.says = said;
    const { publisher } = await world.registry().lookup(WHO, SIGNAL);
    assert.equal(publisher, alice!.publicKeyHex);
  }
});

Deno.test("registry: a domain that can't be asked is replaced by what it said, with a warning", async () => {
  await using world = await World.make(
    new NetworkError("unreachable", "can't reach example.org: x"),
  );
  await assert.rejects(world.registry().lookup(WHO, SIGNAL), {
    name: "NetworkError",
    code: "unreachable",
    message: "can't look up alice@example.org: can't reach example.org: x",
  });
  world.says = alice!.id;
  await world.registry().lookup(WHO, SIGNAL);
  world.now += 24 * HOUR;
  world.asked = 0;
  world.says = new NetworkError("unreachable", "can't reach example.org: x");
  const registry = world.registry();
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await registry.lookup(WHO, SIGNAL), {
      publisher: alice!.id,
      warning: "can't look up alice@example.org: can't reach example.org: x; using what " +
        `example.org said on 2026-03-01, ${alice!.id}`,
    });
  }
  assert.equal(world.asked, 1, "it is not waited for again and again");
  for (const nonsense of ["x", 7, null, ["a"]]) {
    world.says = nonsense;
    assert.match((await world.registry().lookup(WHO, SIGNAL)).warning!, /something else than/);
  }
  world.says = undefined;
  await assert.rejects(world.registry().lookup(WHO, SIGNAL), { code: "unknown-name" });
  await assert.rejects(world.registry().confirm(WHO, false, SIGNAL), { code: "unknown-name" });
  world.says = alice!.id;
  world.now += 59_000;
  assert.match((await registry.lookup(WHO, SIGNAL)).warning!, /can't look up/);
  world.now += 2_000;
  assert.deepEqual(await registry.lookup(WHO, SIGNAL), { publisher: alice!.id });
});

Deno.test("registry: no wait is endless, and it ends with its caller", async () => {
  await using world = await World.make(alice!.id);
  const hangs = new Registry({
    path: world.path,
    timeoutMs: 50,
    ask: (_name, signal) => abortable(new Promise<never>(() => {}), signal),
  });
  await assert.rejects(hangs.lookup(WHO, SIGNAL), {
    code: "timed-out",
    message: /^can't look up alice@example\.org: waited 0\.1 s for an answer from example\.org/,
  });
  const caller = new AbortController();
  const waiting = hangs.lookup(WHO, caller.signal);
  caller.abort(new GtrError("stopping", "enough"));
  await assert.rejects(waiting, { code: "stopping" });
});

Deno.test("registry: a damaged file is refused and left alone; it is bounded", async () => {
  await using world = await World.make(alice!.id);
  await world.registry().lookup(WHO, SIGNAL);
  const file = JSON.parse(await Deno.readTextFile(world.path));
  assert.equal(file.version, 1);
  const [known] = Object.values(file.names);
  const many = Array.from({ length: 1500 }, (_, i) => [
    `u${i}@example.org`,
    { publisher: alice!.id, since: 1, confirmed: i },
  ]);
  await Deno.writeTextFile(
    world.path,
    JSON.stringify({ ...file, names: Object.fromEntries([...many, ["alice@example.org", known]]) }),
  );
  world.now += 2 * HOUR;
  await world.registry().lookup(WHO, SIGNAL);
  const names = Object.keys(JSON.parse(await Deno.readTextFile(world.path)).names);
  assert.equal(names.length, 1000);
  assert.ok(names.includes("alice@example.org") && names.includes("u1499@example.org"));
  for (const damaged of ["{", '{"version":2,"names":{}}', '{"version":1,"names":{"a@b":{}}}']) {
    await Deno.writeTextFile(world.path, damaged);
    await assert.rejects(world.registry().lookup(WHO, SIGNAL), {
      name: "StoreError",
      code: "bad-registry-file",
    });
    assert.equal(await Deno.readTextFile(world.path), damaged);
  }
});

Deno.test("registry: of two programs that ask at once, none overwrites the other's word", async () => {
  await using world = await World.make(alice!.id);
  const others = Array.from({ length: 10 }, (_, i) => parseRegistryName(`u${i}@example.org`));
  await Promise.all(others.map((name) =>
    new Registry({
      path: world.path,
      timeoutMs: 5000,
      ask: () => Promise.resolve(bytes({ names: { [name.user]: alice!.id } })),
    }).lookup(name, SIGNAL)
  ));
  const { names } = JSON.parse(await Deno.readTextFile(world.path));
  assert.equal(Object.keys(names).length, 10);
});

Deno.test("registry: a document may hold much else, and only the right entry counts", () => {
  const document = {
    names: { alice: alice!.id, bob: 7, constructor: mallory!.id, "__proto__x": null },
    relays: { x: [] },
  };
  assert.equal(publisherIn(bytes(document), WHO), alice!.id);
  assert.equal(publisherIn(bytes(document), parseRegistryName("constructor@b.org")), mallory!.id);
  for (const user of ["tostring", "__proto__", "hasownproperty", "carol"]) {
    assert.throws(() => publisherIn(bytes(document), parseRegistryName(`${user}@b.org`)), {
      code: "unknown-name",
      message: `can't find ${user}@b.org: b.org has no such name`,
    });
  }
  assert.throws(() => publisherIn(bytes(document), parseRegistryName("bob@b.org")), {
    code: "bad-registry",
  });
});

Deno.test("registry: any document is a publisher or a GtrError that is short", () => {
  const document = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(bytes),
    fc.record({ names: fc.jsonValue() }).map(bytes),
    fc.record({ names: fc.record({ alice: fc.jsonValue() }) }).map(bytes),
    fc.constant(bytes("[".repeat(MAX_DOCUMENT))),
  );
  fc.assert(fc.property(document, (document) => {
    try {
      assert.match(publisherIn(document, WHO), /^([0-9a-f]{40}|[0-9a-f]{64})$/);
    } catch (error) {
      assert.ok(error instanceof GtrError, String(error));
      assert.ok(error.message.length < 200);
    }
  }));
});

Deno.test("registry: a name becomes no other question than its own", () => {
  assert.equal(documentUrl(WHO), "https://example.org/.well-known/gtr.json?name=alice");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (user, domain) => {
      let name;
      try {
        name = parseRegistryName(`${user}@${domain}`);
      } catch (error) {
        assert.equal((error as GtrError).code, "bad-name");
        return;
      }
      const url = new URL(documentUrl(name));
      assert.deepEqual([...url.searchParams], [["name", name.user]]);
      assert.deepEqual([url.host, url.pathname], [name.domain, "/.well-known/gtr.json"]);
    }),
    { examples: [["alice", "127.1"], ["a", "0x7f.1"], ["a&b=c", "x"], ["a", "b.c/d"], ["", "x"]] },
  );
});

Deno.test("registry: who gives up is told so, not what the domain said before", async () => {
  await using world = await World.make(alice!.id);
  await world.registry().lookup(WHO, SIGNAL);
  world.now += 24 * HOUR;
  const leaving = new AbortController();
  const registry = new Registry({
    path: world.path,
    timeoutMs: 5000,
    now: () => world.now,
    ask: () => {
      leaving.abort(new Error("enough"));
      return Promise.reject(new NetworkError("unreachable", "can't reach example.org: x"));
    },
  });
  await assert.rejects(registry.lookup(WHO, leaving.signal), /enough/);
});
