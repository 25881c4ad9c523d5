/**
 * What the helper needs of gtd: three calls. `GtrClient` has them; tests bring their own.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type {
  PushRequest,
  PushResult,
  RefUpdate,
  RemoteState,
  SyncedState,
} from "../daemon/api.ts";

/** One ref to change; `expected` is what it must be until then, null for "not there". */
export type RefChange = RefUpdate & { expected?: string | null };

/** A push; `atomic` asks for all of it or nothing. */
export type PushOrder = Omit<PushRequest, "updates"> & {
  updates: RefChange[];
  atomic?: boolean;
};

/** The narrow view of the control API that git's remote helper works with. */
export interface HelperClient extends AsyncDisposable {
  /** The newest known state of a repository. */
  resolve(url: string, wait: Wait): Promise<RemoteState>;
  /** The same, once all its packs are verified and in the local store. */
  sync(url: string, wait: Wait): Promise<SyncedState>;
  /** Changes refs of one's own repository; one result per update. */
  push(order: PushOrder, wait: Wait): Promise<PushResult[]>;
}
