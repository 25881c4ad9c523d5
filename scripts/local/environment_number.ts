/**
 * Numbers that a script is given in its environment.
 *
 * @module
 */

/** A variable as a whole number above 0. Ends the program, with exit code 2, if it is anything else. */
export function environmentNumber(name: string, otherwise: number): number {
  const given = Deno.env.get(name);
  const number = Number(given || otherwise);
  if (Number.isSafeInteger(number) && number > 0) return number;
  console.error(`invalid ${name}: ${given}`);
  Deno.exit(2);
}
