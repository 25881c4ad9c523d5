import assert from "node:assert/strict";
import fc from "fast-check";
import { GtrError } from "../../../../../lib/common/errors.ts";
import { FLUSH, packetOf } from "../../../../../lib/common/pkt_line.ts";
import {
  checkReport,
  commandsFor,
  encodeCommands,
  readAdvertisement,
} from "../../../../../lib/transports/nostr/grasp/receive_pack.ts";
import { hex } from "../../../manifest/fixture.ts";

const ZEROS = "0".repeat(40);
const SERVICE = [packetOf("# service=git-receive-pack\n"), FLUSH];
const body = (packets: readonly Uint8Array[]) => ReadableStream.from(packets);
const advertised = (...lines: string[]) =>
  readAdvertisement(body([...SERVICE, ...lines.map((line) => packetOf(line)), FLUSH]));

Deno.test("receive-pack: what a server has and can do", async () => {
  const [a, b] = [hex(40, "a"), hex(40, "b")];
  const some = await advertised(
    `${a} refs/heads/main\0report-status delete-refs agent=git/2\n`,
    `${b} refs/nostr/x\n`,
  );
  assert.deepEqual([...some.refs], [["refs/heads/main", a], ["refs/nostr/x", b]]);
  assert.deepEqual([...some.capabilities], ["report-status", "delete-refs", "agent=git/2"]);
  const none = await advertised(`${ZEROS} capabilities^{}\0report-status\n`);
  assert.deepEqual([none.refs.size, none.capabilities.size], [0, 1]);
});

Deno.test("receive-pack: only what differs is changed, and only branches and tags", async () => {
  const [old, tip, tag] = [hex(40, "old"), hex(40, "tip"), hex(40, "tag")];
  const server = await advertised(
    `${old} refs/heads/main\0report-status ofs-delta\n`,
    `${tip} refs/heads/same\n`,
    `${old} refs/heads/gone\n`,
    `${old} refs/pull/1\n`,
  );
  const refs = {
    "refs/heads/main": tip,
    "refs/heads/same": tip,
    "refs/heads/gone/new": tip,
    "refs/tags/v1": tag,
  };
  const commands = commandsFor({ refs, objectFormat: "sha1" }, server);
  assert.deepEqual(commands.map(({ ref, from, to }) => `${from} ${to} ${ref}`), [
    `${old} ${ZEROS} refs/heads/gone`,
    `${old} ${tip} refs/heads/main`,
    `${ZEROS} ${tip} refs/heads/gone/new`,
    `${ZEROS} ${tag} refs/tags/v1`,
  ]);
  const [first] = encodeCommands(commands, server, { objectFormat: "sha1" });
  const text = new TextDecoder().decode(first).slice(4);
  assert.equal(text, `${old} ${ZEROS} refs/heads/gone\0 report-status ofs-delta\n`);
});

Deno.test("receive-pack: a report counts where it tells of each ref", async () => {
  const commands = ["a", "b"].map((ref) => ({ ref, from: ZEROS, to: hex(40, ref) }));
  const report = (...lines: string[]) =>
    checkReport(body([...lines.map((line) => packetOf(`${line}\n`)), FLUSH]), commands);
  await report("unpack ok", "ok a", "ok b");
  const refused = (message: RegExp) => ({ code: "push-refused", message });
  await assert.rejects(report("unpack ok", "ok a", "ng b \x1b[2Jno"), refused(/: b \?\[2Jno$/));
  await assert.rejects(report("unpack index-pack failed"), refused(/index-pack failed$/));
  await assert.rejects(report("unpack ok", "ok a"), refused(/says nothing of b$/));
});

Deno.test("receive-pack: whatever a server sends is read or refused", async () => {
  const line = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.constantFrom(`${ZEROS} x`, `${hex(40, "x")} refs/heads/x\0a b`, "unpack ok", "ok x", "ng x"),
  );
  const packets = fc.array(fc.oneof(
    line.map((text) => packetOf(text)),
    fc.constant(FLUSH),
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
  ));
  await fc.assert(fc.asyncProperty(packets, fc.boolean(), async (sent, isRight) => {
    const answer = () => body([...(isRight ? SERVICE : []), ...sent]);
    const command = { ref: "x", from: ZEROS, to: hex(40, "x") };
    for (const read of [readAdvertisement(answer()), checkReport(answer(), [command])]) {
      await read.then(() => {}, (error) => assert(error instanceof GtrError, String(error)));
    }
  }));
});

Deno.test("receive-pack: refs without an end, in number or in bytes, are not read", async () => {
  const floods = [{ length: 10, most: 200_000 }, { length: 60_000, most: 1_000 }];
  for (const { length, most } of floods) {
    let pulled = 0;
    const lines = async function* () {
      yield* SERVICE;
      for (; pulled < most; pulled++) yield packetOf(`${hex(40, "a")} ${"x".repeat(length)}\n`);
      yield FLUSH;
    };
    await assert.rejects(readAdvertisement(ReadableStream.from(lines())), /too many refs/);
    assert(pulled < 0.6 * most, `${pulled} lines`);
  }
});
