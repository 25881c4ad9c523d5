/**
 * The setting `store.freeDisk`: what others' repositories leave free of the disk, for oneself.
 *
 * @module
 */
import { StoreError } from "../../common/errors.ts";
import { defaultFloor, diskSpace } from "../../store/disk_usage.ts";
import type { UserParts } from "../user_parts.ts";

const LOOK_MS = 500;

/** What is left of the disk, and how much of that others' repositories don't get, in bytes. */
export interface FreeDisk {
  readonly free: number;
  readonly floor: number;
}

/** Looks how full the disk of the store is. */
export async function freeDisk(
  { home, settings }: Pick<UserParts, "home" | "settings">,
): Promise<FreeDisk> {
  const { free, size } = await diskSpace(home.root);
  return { free, floor: settings.get("store.freeDisk") ?? defaultFloor(size) };
}

/** Aborts once less is free than the floor, whoever has filled the disk. Dispose it to end that. */
export function watchFreeDisk(
  parts: Pick<UserParts, "home" | "settings">,
  name: string,
): { readonly signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    const { free, floor } = await freeDisk(parts).catch(() => ({ free: Infinity, floor: 0 }));
    isLooking = false;
    if (free < floor) stop.abort(diskFull(name, "the rest of it", { free, floor }));
  };
  const timer = setInterval(look, LOOK_MS);
  return { signal: stop.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/** The error for what doesn't fit on the disk. */
export function diskFull(name: string, what: string, { free, floor }: FreeDisk): StoreError {
  return new StoreError(
    "disk-full",
    `can't fetch ${name}: no space left on the disk for ${what}: ${free} bytes are free, and ` +
      `${floor} of them are kept (store.freeDisk)`,
    {
      hint: "free some space and run it again; gtr config store.freeDisk <bytes> keeps less free",
    },
  );
}
