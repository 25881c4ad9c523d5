/**
 * Whether every setting has a value that it can have.
 *
 * @module
 */
import { type SettingName, SETTINGS } from "../../common/settings.ts";
import { type Check, ok, warning } from "./check.ts";

export const settings: Check = {
  what: "settings",
  run: async (patient) => {
    const values = await patient.settings();
    values.check();
    const { networks } = patient;
    const unknown = (values.get("transports") ?? []).filter((name) => !networks.includes(name));
    if (unknown.length > 0) {
      return [warning(
        "settings",
        `transports names ${unknown.join(", ")}, which this gtr was built without`,
        `gtr config transports ${networks.join(",")}`,
      )];
    }
    const names = Object.keys(SETTINGS) as SettingName[];
    const set = names.filter((name) => values.origin(name) !== "default");
    return [ok("settings", set.length > 0 ? `set: ${set.join(", ")}` : "all at their defaults")];
  },
};
