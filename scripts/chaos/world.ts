/**
 * Three people and one repository: Alice publishes it, Bob follows it, and a hub that nobody hurts
 * introduces them.
 *
 * @module
 */
import { join } from "node:path";
import { LimitedNetwork } from "../bench/swarm/limited_network.ts";
import { plainEnvironment } from "../local/node.ts";
import type { Random } from "../local/random.ts";
import type { Sandbox } from "../local/sandbox.ts";
import { Person } from "./person.ts";
import { Promises } from "./promises.ts";
import { FillableDisk } from "./small_disk.ts";

/** By then, Bob sees what Alice has. */
const SEEN_MS = 90_000;
const LINK_RATE = "1gbit";

/** Something that was acknowledged is not there. */
export class Loss extends Error {}

/** All of them. */
export class World {
  readonly alice: Person;
  readonly bob: Person;
  readonly url: string;
  readonly promises = new Promises();
  /** How what was asked for in this round ended. */
  readonly outcomes: string[] = [];
  readonly #sandbox: Sandbox;
  readonly #network: LimitedNetwork | undefined;
  readonly #bootstrap: Record<string, string>;
  #clones = 0;
  /** Bob's clones of this round. */
  readonly #unchecked: string[] = [];
  #branches = 0;

  private constructor(
    sandbox: Sandbox,
    network: LimitedNetwork | undefined,
    bootstrap: Record<string, string>,
    people: { readonly alice: Person; readonly bob: Person; readonly url: string },
  ) {
    this.#sandbox = sandbox;
    this.#network = network;
    this.#bootstrap = bootstrap;
    this.alice = people.alice;
    this.bob = people.bob;
    this.url = people.url;
  }

  /** Makes them, with the first publication. */
  static async make(sandbox: Sandbox): Promise<World> {
    const env = plainEnvironment("/dev/null");
    const network = await LimitedNetwork.make(4, LINK_RATE, env).catch(() => undefined);
    if (network) sandbox.defer(() => network[Symbol.asyncDispose]());
    const hub = await makePerson(sandbox, "Hub", network, 0, {}, false);
    const { torrent, holepunch } = (await hub.node.status()).transports;
    const bootstrap = {
      GTR_TORRENT_BOOTSTRAP: String(torrent!.dht),
      GTR_HOLEPUNCH_BOOTSTRAP: String(holepunch?.dht ?? "none"),
    };
    const alice = await makePerson(sandbox, "Alice", network, 1, bootstrap, true);
    const bob = await makePerson(sandbox, "Bob", network, 2, bootstrap, true);
    await alice.succeed(".", "git", "init", "--quiet", "work");
    const first = await alice.commit("work", "first.txt", "first\n");
    const url = await alice.succeed("work", "gtr", "init", "--name", "chaos");
    await alice.succeed(".", "git", "clone", "--quiet", url, "desk");
    await alice.succeed("desk", "git", "checkout", "--quiet", "-b", "desk");
    await bob.succeed(".", "gtr", "follow", url);
    await bob.succeed(".", "git", "clone", "--quiet", url, "copy");
    const world = new World(sandbox, network, bootstrap, { alice, bob, url });
    world.promises.acknowledge("refs/heads/main", first);
    return world;
  }

  /** Aborts where the user interrupts it. */
  get signal(): AbortSignal {
    return this.#sandbox.signal;
  }

  get people(): Person[] {
    return [this.alice, this.bob];
  }

  /** Whether people have network devices and disks of their own. */
  get can(): { readonly network: boolean; readonly disk: boolean } {
    return { network: this.#network !== undefined, disk: this.alice.disk !== undefined };
  }

  /** Alice commits and shares. */
  async share(content: string): Promise<() => Promise<void>> {
    const oid = await this.alice.commit("work", "work.txt", content);
    this.promises.begin("refs/heads/main", oid);
    return () => this.#ask("refs/heads/main", oid, "work", "gtr", "share");
  }

  /** Alice pushes a branch from another clone: one that is there, by force, or a new one. */
  async push(content: string, random: Random): Promise<() => Promise<void>> {
    const others = this.promises.names().filter((ref) => /\/topic-/.test(ref));
    const kind = random.below(4);
    if (kind === 3 && others.length > 2) {
      const ref = others[random.below(others.length)]!;
      this.promises.begin(ref, undefined);
      return () => this.#ask(ref, undefined, "desk", "git", "push", "origin", "--delete", ref);
    }
    const amend = kind === 2 && this.promises.value("refs/heads/desk") !== undefined;
    const oid = await this.alice.commit("desk", "desk.txt", content, ...amend ? ["--amend"] : []);
    const ref = `refs/heads/${kind === 1 ? `topic-${++this.#branches}` : "desk"}`;
    this.promises.begin(ref, oid);
    return () => this.#ask(ref, oid, "desk", "git", "push", "--force", "origin", `${oid}:${ref}`);
  }

  /** Bob brings his clone up to date. */
  async fetch(): Promise<void> {
    await this.bob.attempt("copy", "git", "fetch", "--prune", "origin");
  }

  /** Bob clones anew. What there is of it must be whole. */
  async clone(...options: string[]): Promise<void> {
    const name = `clone-${++this.#clones}`;
    const { code } = await this.bob.attempt(".", "git", "clone", ...options, this.url, name);
    if (code === 0) this.#unchecked.push(name); // not now: the fault may be for that git
  }

  /** Waits until Bob sees all that Alice has, and looks at everything. */
  async examine(): Promise<void> {
    const { alice, bob } = this;
    for (const person of this.people) await person.quiet();
    for (const clone of ["work", "desk"]) await alice.unlock(clone);
    await bob.unlock("copy");
    await alice.succeed(".", "gtr", "daemon", "start"); // it publishes what it finds
    await this.#untilSeen(bob);
    await bob.succeed("copy", "git", "fetch", "--prune", "origin");
    for (const clone of ["work", "desk"]) await this.#sound(alice, clone);
    for (const clone of ["copy", ...this.#unchecked]) await this.#sound(bob, clone);
    for (const clone of this.#unchecked.splice(0)) {
      await Deno.remove(bob.path(clone), { recursive: true });
    }
    for (const person of this.people) await this.#soundStore(person);
  }

  /** Alice goes, and somebody new clones: from Bob, then. */
  async served(round: number): Promise<void> {
    const { alice, bob } = this;
    await bob.succeed("copy", "git", "fetch", "--prune", "origin");
    await alice.succeed(".", "gtr", "daemon", "stop");
    const name = `Reader-${round}`;
    const reader = await makePerson(this.#sandbox, name, this.#network, 3, this.#bootstrap, false);
    try {
      await reader.succeed(".", "git", "clone", "--quiet", "--mirror", this.url, "copy");
      const { stdout } = await reader.attempt("copy", "git", "show-ref", "--heads");
      const broken = this.promises.broken(refsIn(stdout, " "));
      if (broken.length > 0) throw new Loss(`of Bob's copy: ${broken.join("; ")}`);
      await reader.succeed("copy", "git", "fsck", "--full", "--strict");
    } finally {
      await reader.attempt(".", "gtr", "daemon", "stop").catch(() => {});
      await reader.kill();
      await Deno.remove(reader.folder, { recursive: true }).catch(() => {});
    }
    await alice.succeed(".", "gtr", "daemon", "start");
  }

  async #ask(ref: string, value: string | undefined, cwd: string, ...command: string[]) {
    const { code, stderr } = await this.alice.attempt(cwd, ...command);
    this.outcomes.push(`${command.join(" ")}: ${code}\n${stderr}`);
    if (code === 0) this.promises.acknowledge(ref, value);
  }

  async #untilSeen(reader: Person): Promise<void> {
    const main = await this.alice.succeed("work", "git", "rev-parse", "HEAD");
    const end = performance.now() + SEEN_MS;
    let why: string;
    let last: Map<string, string> | undefined;
    do {
      const { code, stdout, stderr } = await reader.attempt(
        ".",
        "git",
        "ls-remote",
        "--heads",
        this.url,
      );
      const seen = refsIn(stdout, "\t");
      const broken = this.promises.broken(seen);
      if (code === 0 && broken.length === 0 && seen.get("refs/heads/main") === main) {
        return this.promises.settle(seen);
      }
      if (code === 0) last = seen;
      why = code === 0 ? broken.join("; ") || "main is not the newest" : stderr;
    } while (performance.now() < end);
    if (last) this.promises.settle(last); // each loss counts once
    throw new Loss(`${reader.name} doesn't see within ${SEEN_MS / 1000} s what Alice has: ${why}`);
  }

  async #sound(person: Person, clone: string): Promise<void> {
    await person.succeed(clone, "git", "fsck", "--full", "--strict", "--no-dangling");
  }

  async #soundStore(person: Person): Promise<void> {
    const stores = await person.succeed(".", "find", join(person.home, "store"), "-name", "*.git");
    for (const store of stores.split("\n").filter((path) => path !== "")) {
      const command = ["git", "--git-dir", store, "fsck", "--full", "--strict", "--no-dangling"];
      await person.succeed(".", ...command);
    }
  }
}

async function makePerson(
  sandbox: Sandbox,
  name: string,
  network: LimitedNetwork | undefined,
  n: number,
  bootstrap: Record<string, string>,
  hurt: boolean,
): Promise<Person> {
  const host = network?.hosts[n];
  const disk = hurt ? await FillableDisk.make() : undefined;
  if (disk) sandbox.defer(() => disk[Symbol.asyncDispose]());
  const node = await sandbox.node(name, undefined, {
    ...bootstrap,
    ...host ? { GTR_TORRENT_HOST: host.address, GTR_HOLEPUNCH_HOST: host.address } : {},
    ...disk ? { GTR_HOME: disk.path } : {},
  }, host?.within);
  const person = new Person(node, host, disk);
  sandbox.defer(() => person.kill());
  return person;
}

function refsIn(lines: string, separator: string): Map<string, string> {
  return new Map(
    lines.split("\n").filter((line) => line.includes(separator)).map((line) => {
      const [oid, ref] = line.split(separator);
      return [ref!, oid!];
    }),
  );
}
