/**
 * What git and a helper say to each other, with a real repository behind it.
 *
 * @module
 */
import { oneTimeGitPort } from "../../../lib/git_interface/git_port.ts";
import { spawnUploadPack } from "../../../lib/git_interface/upload_pack.ts";
import type { HelperClient } from "../../../lib/remote_helper/client.ts";
import { runHelper } from "../../../lib/remote_helper/run_helper.ts";
import { FolderClient, type Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

/** How a helper is talked to. */
export interface Conversation {
  readonly url?: string;
  readonly gitDir?: string;
  readonly connect?: () => Promise<HelperClient>;
}

/** A git:// address of a repository, for one connection. */
export function servedOnce(gitDir: string): Promise<string> {
  return oneTimeGitPort({
    missed: () => {},
    serve: async ({ readable, writable }) => {
      const server = await spawnUploadPack(gitDir, { protocol: 2 });
      void readable.pipeTo(server.stdin).catch(() => {});
      await server.stdout.pipeTo(writable).catch(() => {});
    },
  });
}

/** Says `input` to a helper and returns what it answered. */
export async function converse(
  client: FolderClient,
  input: string | Uint8Array,
  how: Conversation = {},
) {
  const written: Uint8Array[] = [];
  let stderr = "";
  const code = await runHelper({
    scheme: "torrent",
    url: "url" in how ? how.url : "torrent://3f1c/hello",
    io: {
      stdin: ReadableStream.from([
        typeof input === "string" ? new TextEncoder().encode(input) : input,
      ]),
      stdout: new WritableStream({
        async write(chunk) {
          await new Promise((resolve) => setTimeout(resolve)); // git reads when it likes
          written.push(chunk);
        },
      }),
      stderr: (text) => stderr += text,
    },
    env: (name) => name === "GIT_DIR" ? how.gitDir : undefined,
    connect: how.connect ?? (() => Promise.resolve(client)),
    signal: AbortSignal.timeout(60_000),
  });
  const stdout = await new Response(new Blob(written as BlobPart[])).text();
  return { code, stdout, stderr };
}

export async function withPublication(
  test: (box: Sandbox, publication: Publication, client: FolderClient) => Promise<void>,
): Promise<void> {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await test(box, publication, new FolderClient(box.root));
}

/** An empty repository that a clone fills, and what gtd's `sync` is asked for meanwhile. */
export async function cloning(box: Sandbox, publication: Publication, client: FolderClient) {
  await publication.change({ own: false, sequence: 7 });
  const gitDir = box.path("empty");
  await box.git(".", "init", "-q", "--bare", gitDir);
  await box.git(gitDir, "config", "remote.origin.url", publication.address);
  const asked: unknown[] = [];
  const sync = client.sync.bind(client);
  client.sync = (request, wait) => {
    asked.push(JSON.parse(JSON.stringify(request))); // without what is undefined
    return sync(request, wait);
  };
  const oid = (await publication.state()).refs["refs/heads/main"]!;
  return { gitDir, asked, line: `fetch ${oid} refs/heads/main\n\n` };
}
