/** Takes the lock of a repository and keeps it until it is killed. Arguments: home, publisher. */
import { Home } from "../../../lib/common/home.ts";
import { Store } from "../../../lib/store/store.ts";

const [home = "", publisher = ""] = Deno.args;
const repository = new Store(new Home(home)).repository(publisher, "hello");
using _lock = await repository.lock({ signal: AbortSignal.timeout(60_000) });
console.log("held");
await new Promise<never>(() => setInterval(() => {}, 1e6));
