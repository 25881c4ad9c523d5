/** What a lying peer can do to git, by scripted peers and real git packets. */
import assert from "node:assert/strict";
import { joinLive } from "../../../../lib/engine/live/git_client.ts";
import { FLUSH, packetOf, PacketReader, textOf } from "../../../../lib/common/pkt_line.ts";
import type { SignedManifest } from "../../../../lib/manifest/types.ts";

const OID = "1".repeat(40);
const DELIMITER = new TextEncoder().encode("0001");
const MANIFEST = {
  name: "hello",
  objectFormat: "sha1",
  head: "refs/heads/main",
  refs: { "refs/heads/main": OID },
};
const CAPABILITIES = [
  packetOf("version 2\n"),
  packetOf("ls-refs=unborn\n"),
  packetOf("fetch=shallow wait-for-done filter\n"),
  packetOf("object-format=sha1\n"),
  FLUSH,
];
const PACK = [packetOf("packfile\n"), packetOf("\x01PACK"), FLUSH];

function request(command: string, ...args: string[]): Uint8Array[] {
  return [
    packetOf(`command=${command}\n`),
    DELIMITER,
    ...args.map((a) => packetOf(`${a}\n`)),
    FLUSH,
  ];
}

interface Told {
  /** What git read behind the capabilities. */
  readonly texts: string[];
  readonly dropped: string[];
  /** What the peer was sent, as text. */
  readonly asked: string;
  /** Whether the peer's stream was closed as one that failed; undefined where it is open. */
  readonly failed: boolean | undefined;
}

/** Lets git say `requests` and a peer `answers`; a peer that does not `hangUp` is silent then. */
async function converse(
  requests: readonly Uint8Array[],
  answers: readonly Uint8Array[],
  { hangUp = true, idleMs = 5000 } = {},
): Promise<Told> {
  const sent: Uint8Array[] = [];
  const asked: Uint8Array[] = [];
  const dropped: string[] = [];
  let failed: boolean | undefined;
  const end = Promise.withResolvers<void>();
  const rest = [...answers];
  const peer = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = rest.shift();
      if (next) return controller.enqueue(next);
      if (!hangUp) await end.promise;
      controller.close();
    },
  });
  await joinLive(
    {
      readable: ReadableStream.from(requests),
      writable: new WritableStream({ write: (chunk) => void sent.push(chunk) }),
    },
    {
      readable: peer,
      writable: new WritableStream({ write: (chunk) => void asked.push(chunk) }),
      peer: "a test",
      manifest: { manifest: MANIFEST } as unknown as SignedManifest,
      close: (asFailed = false) => {
        failed = asFailed;
        end.resolve();
      },
    },
    { idleMs, signal: new AbortController().signal, dropped: (reason) => dropped.push(reason) },
  );
  const reader = new PacketReader(ReadableStream.from(sent));
  const texts: string[] = [];
  for (let p = await reader.next(); p; p = await reader.next()) {
    texts.push(p.kind === "data" ? textOf(p).replace("\x03", "band 3: ") : p.kind);
  }
  const text = asked.map((chunk) => new TextDecoder().decode(chunk)).join("");
  return { texts: texts.slice(texts.indexOf("flush") + 1), dropped, asked: text, failed };
}

Deno.test("refs come from the manifest; the peer is not asked", async () => {
  const told = await converse([...request("ls-refs", "symrefs"), FLUSH], []);
  assert.deepEqual(told, {
    texts: [`${OID} HEAD symref-target:refs/heads/main`, `${OID} refs/heads/main`, "flush"],
    dropped: [],
    asked: "",
    failed: false,
  });
});

Deno.test("fetches are passed on, several after each other", async () => {
  const fetch = request("fetch", `want ${OID}`, "done");
  const told = await converse([...fetch, ...fetch], [...CAPABILITIES, ...PACK, ...PACK]);
  const pack = ["packfile", "\x01PACK", "flush"];
  assert.deepEqual([told.texts, told.dropped, told.failed], [[...pack, ...pack], [], false]);
  assert.equal(told.asked.split("command=fetch").length, 3);
});

Deno.test("acknowledgments, and shallow where that was asked for", async () => {
  const answer = [
    ...[packetOf("acknowledgments\n"), packetOf("ready\n"), DELIMITER],
    ...[packetOf("shallow-info\n"), packetOf(`shallow ${OID}\n`), DELIMITER],
    ...PACK,
  ];
  const fetch = request("fetch", "deepen 1", `want ${OID}`);
  const told = await converse(fetch, [...CAPABILITIES, ...answer]);
  assert.deepEqual(told.dropped, []);
  assert.ok(told.texts.includes(`shallow ${OID}`));
});

const fetch = request("fetch", `want ${OID}`, "done");
const capabilities = (...lines: string[]) => [...lines.map((l) => packetOf(`${l}\n`)), FLUSH];
const text = (value: string) => new TextEncoder().encode(value);
for (
  const [what, answers, reason, message] of [
    [
      "a shallow clone that nobody asked for",
      [
        ...CAPABILITIES,
        packetOf("shallow-info\n"),
        packetOf(`shallow ${OID}\n`),
        DELIMITER,
        ...PACK,
      ],
      "live-bad-server",
      /^ERR gtr: can't use a live peer: it would make the clone shallow/,
    ],
    [
      "refs that nobody asked for",
      [...CAPABILITIES, packetOf("wanted-refs\n"), packetOf(`${OID} refs/heads/main\n`), FLUSH],
      "live-bad-server",
      /^ERR gtr: .*what was not asked/,
    ],
    [
      "packs from elsewhere",
      [...CAPABILITIES, packetOf("packfile-uris\n"), FLUSH],
      "live-bad-server",
      /^ERR gtr: .*what was not asked/,
    ],
    ["no packets", [text("HTTP/1.1 400 Bad Request\r\n\r\n")], "live-bad-packet", /^ERR gtr: /],
    ["an older protocol", capabilities("version 1"), "live-bad-server", /protocol 2/],
    ["no filters", capabilities("version 2", "fetch=shallow"), "live-bad-server", /fetch with/],
    [
      "another object format",
      capabilities("version 2", "fetch=shallow wait-for-done filter", "object-format=sha256"),
      "live-bad-server",
      /not a sha1 one/,
    ],
    [
      "no end of capabilities",
      Array.from({ length: 200 }, () => packetOf("version 2\n")),
      "live-bad-server",
      /no end/,
    ],
    ["a cut answer", CAPABILITIES, undefined, /^ERR gtr: the live stream .* was cut off$/],
    [
      "a cut pack",
      [...CAPABILITIES, packetOf("packfile\n"), packetOf("\x01PACK")],
      undefined,
      /^band 3: gtr: the live stream from a test was cut off$/,
    ],
    [
      "a pack cut within a packet",
      [...CAPABILITIES, packetOf("packfile\n"), packetOf("\x01PACK").slice(0, 7)],
      undefined,
      /^band 3: gtr: the live stream from a test was cut off$/,
    ],
  ] as const
) {
  Deno.test(`a peer that sends ${what} is an error that git shows`, async () => {
    const told = await converse(fetch, answers);
    assert.deepEqual(told.dropped, reason === undefined ? [] : [reason]);
    assert.match(told.texts.at(-1)!, message);
    assert.equal(told.failed, true);
  });
}

Deno.test("a silent peer is given up", async () => {
  const told = await converse(fetch, CAPABILITIES, { hangUp: false, idleMs: 30 });
  assert.match(told.texts.at(-1)!, /^ERR gtr: nothing came for 0 s: objects of hello from a test/);
  assert.equal(told.failed, true);
});

Deno.test("a peer is not blamed for the time that git takes, nor for what git says", async () => {
  const toGit = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 0 });
  const failed: (boolean | undefined)[] = [];
  const dropped: string[] = [];
  const joined = joinLive(
    {
      readable: ReadableStream.from([...fetch, text("no packet")]),
      writable: toGit.writable,
    },
    {
      readable: ReadableStream.from([...CAPABILITIES, ...PACK]),
      writable: new WritableStream(),
      peer: "a test",
      manifest: { manifest: MANIFEST } as unknown as SignedManifest,
      close: (asFailed) => failed.push(asFailed),
    },
    { idleMs: 20, signal: AbortSignal.timeout(60_000), dropped: (reason) => dropped.push(reason) },
  );
  const git = new PacketReader(toGit.readable);
  const texts: string[] = [];
  for (let p = await git.next(); p; p = await git.next()) {
    // Longer than the peer may take: git is busy with what it has read.
    if (p.kind === "data" && textOf(p) === "packfile") {
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, 60);
      await promise;
    }
    texts.push(p.kind === "data" ? textOf(p) : p.kind);
  }
  assert.equal((await joined)?.code, "bad-packet");
  assert.deepEqual(texts.slice(-4, -1), ["packfile", "\x01PACK", "flush"]);
  assert.deepEqual([failed, dropped], [[false], []]);
});

Deno.test("commands that were not offered are refused", async () => {
  const told = await converse(request("object-info"), CAPABILITIES);
  assert.match(told.texts[0]!, /^ERR gtr: git asks/);
  assert.equal(told.asked, "");
});

Deno.test("a request without end is refused before it fills memory", async () => {
  const want = packetOf(`${"want ".padEnd(60_000, "x")}\n`);
  const most = (64 << 20) / want.length; // packets of 64 MiB
  const endless = [
    ...request("fetch").slice(0, 2),
    ...Array.from({ length: 1.2 * most }, () => want),
  ];
  const told = await converse([...endless, FLUSH], CAPABILITIES);
  assert.match(told.texts[0]!, /^ERR gtr: git asks for too much at once/);
  assert.equal(told.asked, "", "the peer is not asked for it");
  const long = [...request("fetch").slice(0, 2), ...Array.from({ length: 0.9 * most }, () => want)];
  const passed = await converse([...long, FLUSH], [...CAPABILITIES, ...PACK]);
  assert.deepEqual(passed.texts, ["packfile", "\x01PACK", "flush"]);
});

Deno.test("a listing is answered from its first packet on, so that TCP lets the rest come", async () => {
  const toLive = new TransformStream<Uint8Array, Uint8Array>();
  const toGit = new TransformStream<Uint8Array, Uint8Array>();
  const joined = joinLive(
    { readable: toLive.readable, writable: toGit.writable },
    {
      readable: new ReadableStream(),
      writable: new WritableStream(),
      peer: "a test",
      manifest: { manifest: MANIFEST } as unknown as SignedManifest,
      close: () => {},
    },
    { idleMs: 5000, signal: AbortSignal.timeout(60_000), dropped: () => {} },
  );
  const git = toLive.writable.getWriter();
  const heard = toGit.readable.getReader();
  const [command, ...rest] = request("ls-refs");
  void git.write(command!);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.endsWith("00000")) text += decoder.decode((await heard.read()).value);
  for (const packet of rest) void git.write(packet);
  void git.close();
  for (let part = await heard.read(); !part.done; part = await heard.read()) {
    text += decoder.decode(part.value);
  }
  await joined;
  assert.match(
    text,
    new RegExp(`0000[0-9a-f]{4}${OID} HEAD\n[0-9a-f]{4}${OID} refs/heads/main\n0000$`),
  );
});
