/**
 * Servers and readers of the tests of https.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";

/** Turns the server on. */
export const SERVE = { GTR_DEFAULT_LISTEN: "127.0.0.1:0" };

/** A server, as readers need to know it. */
export interface Served {
  readonly listen: string;
  readonly pin: string;
  readonly id: string;
  readonly publicKey: string;
  /** Of the repository "hello", for stock git. */
  readonly url: string;
  /** The same for gtr. */
  readonly address: string;
}

/** What gtd says of its server. */
export async function served(node: Node): Promise<Served> {
  const { listen, pin } = (await node.status()).transports.default;
  const { id, publicKey } = JSON.parse(await node.gtr("id", "--json"));
  return {
    listen,
    pin,
    id,
    publicKey,
    url: `https://${listen}/${id}/hello.git`,
    address: `default://${listen}/${id}/hello`,
  };
}

/** What stock git is told, to know the server by the publisher's key. */
export function pinned({ pin }: Served): string[] {
  return ["-c", "http.sslVerify=false", "-c", `http.pinnedPubkey=${pin}`];
}

/** A repository "hello", shared when it is complete: one pack; returns what gtr says of it. */
export async function history(node: Node, commits = 5): Promise<string> {
  await node.git("init", "-q", "hello");
  await node.commit("hello", "readme.txt", "hello\n");
  for (let i = 0; i < commits; i++) {
    await node.commit("hello", `file-${i}`, randomBytes(50_000).toString("base64"));
  }
  await node.gitIn(node.path("hello"), "tag", "-a", "-m", "one", "v1");
  await node.gtrIn(node.path("hello"), "init");
  return await node.gtrIn(node.path("hello"), "share", "main");
}

/** Somebody with git and nothing else. */
export async function stranger(): Promise<Node> {
  return await Node.make("none", { PATH: Deno.env.get("PATH")! });
}
