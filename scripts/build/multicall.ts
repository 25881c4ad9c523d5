/**
 * All programs in one file, which goes by the name that it is called by.
 *
 * @module
 */
import { join, relative } from "node:path";
import type { Program } from "./programs.ts";

/**
 * Writes a program that is each of `list`, by its name or an alias, into `folder`. It may do what any
 * of them may.
 */
export async function writeMulticall(
  root: string,
  list: readonly Program[],
  folder: string,
): Promise<Program> {
  const path = (program: Program) =>
    join(relative(folder, root), program.entry).replaceAll("\\", "/");
  const cases = list.flatMap((program) =>
    [program.name, ...program.aliases].map((name) =>
      `  ${JSON.stringify(name)}: () => import(${JSON.stringify(path(program))}),\n`
    )
  );
  const entry = join(folder, "multicall.ts");
  await Deno.writeTextFile(
    entry,
    `const programs: Record<string, () => Promise<unknown>> = {
${cases.join("")}};
const name = Deno.execPath().replace(/^.*[\\\\/]/, "").replace(/\\.exe$/i, "");
const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
if (!program) {
  console.error(\`gtr: can't tell which program to be: '\${name}' is none of \${Object.keys(programs).join(", ")}\`);
  Deno.exit(2);
}
await program();
`,
  );
  const all = (of: (program: Program) => readonly string[]) =>
    [...new Set(list.flatMap(of))].sort();
  return {
    name: "multicall",
    entry: relative(root, entry).replaceAll("\\", "/"),
    aliases: [],
    runs: all(({ runs }) => runs),
    flags: all(({ flags }) => flags),
  };
}
