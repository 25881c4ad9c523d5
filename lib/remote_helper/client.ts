/**
 * What the helper needs of gtd: four calls. `GtrClient` has them; tests bring their own.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type {
  DialledState,
  PushRequest,
  PushResult,
  RemoteState,
  SyncChoice,
  SyncedState,
} from "../daemon/api.ts";

/** The narrow view of the control API that git's remote helper works with. */
export interface HelperClient extends AsyncDisposable {
  /** The newest known state of a repository. */
  resolve(url: string, wait: Wait): Promise<RemoteState>;
  /** The same, once all its packs are verified and in the local store. */
  sync(url: string, wait: Wait, choice?: SyncChoice): Promise<SyncedState>;
  /**
   * The same with a live stream of a peer's objects, or the store's where it has them all.
   * `sequence` is what `resolve` told just now: it needn't be asked for again.
   *
   * @throws {GtrError} "no-live-peer"
   */
  dial(
    state: { readonly url: string; readonly sequence: number },
    wait: Wait,
  ): Promise<DialledState>;
  /** Changes refs of one's own repository; one result per update. */
  push(order: PushRequest, wait: Wait): Promise<PushResult[]>;
}
