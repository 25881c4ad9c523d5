/** Engines of several people, to test them together. */
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { Settings } from "../../../lib/common/settings.ts";
import { Engine } from "../../../lib/engine/engine.ts";
import type { Network } from "../../../lib/ports/network.ts";
import { soon, tempDir } from "./fixture.ts";
import { MemoryNetwork } from "./memory_network.ts";

/** Nodes of several people on one network. */
export class World implements AsyncDisposable {
  readonly network = new MemoryNetwork();
  readonly logged: string[] = [];
  readonly #engines = new Set<Engine>();
  private constructor(readonly root: string, readonly temp: AsyncDisposable) {}

  static async make(): Promise<World> {
    const temp = await tempDir();
    return new World(temp.path, temp);
  }

  async engine(
    name: string,
    networks: Network[] = [this.network.entry()],
    env: Record<string, string> = {},
  ): Promise<Engine> {
    const home = new Home(join(this.root, name));
    const all: Record<string, string> = { GTR_NETWORK_TIMEOUT: "30", ...env };
    const settings = await Settings.load(home, (variable) => all[variable]);
    using wait = soon();
    const log = (message: string) => void this.logged.push(message);
    const engine = await Engine.open({ home, settings, networks, log }, wait);
    this.#engines.add(engine);
    return engine;
  }

  async end(engine: Engine): Promise<void> {
    this.#engines.delete(engine);
    await engine[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#engines) await this.end(engine);
    await this.temp[Symbol.asyncDispose]();
  }
}
