/**
 * `make soak`: one repository is published again and again, a follower keeps up, and others come,
 * clone and go. Prints what a publication costs as their number grows: none of it should. Linux only.
 *
 * | variable       | default | meaning                     |
 * | -------------- | ------- | --------------------------- |
 * | `SOAK_SECONDS` | 600     | how long                    |
 * | `SOAK_PARTS`   | 12      | lines of the table          |
 *
 * @module
 */
import { median } from "./bench/table.ts";
import { environmentNumber } from "./local/environment_number.ts";
import { Sandbox } from "./local/sandbox.ts";
import { costOf, head, type Part, row } from "./soak/part.ts";
import { People } from "./soak/people.ts";

const SECONDS = environmentNumber("SOAK_SECONDS", 600);
const PARTS = environmentNumber("SOAK_PARTS", 12);
/** The follower is waited for after so many publications. */
const FOLLOW_EVERY = 10;

/** Publishes until `end`; somebody comes at its beginning, and goes in its middle. */
async function part(people: People, end: number): Promise<Part> {
  const { publisher, follower } = people;
  const before = [await people.sample(publisher), await people.sample(follower)] as const;
  const first = people.commits;
  const published: number[] = [];
  const followed: number[] = [];
  const publishUntil = async (moment: number) => {
    do {
      published.push(await people.publish());
      if (people.commits % FOLLOW_EVERY === 0) followed.push(await people.follow());
    } while (performance.now() < moment);
  };
  await people.visit(() => publishUntil((performance.now() + end) / 2));
  await publishUntil(end);
  followed.push(await people.follow());
  const publications = people.commits - first;
  return {
    publications: people.commits,
    publisher: costOf(before[0], await people.sample(publisher), publications),
    follower: costOf(before[1], await people.sample(follower), publications),
    published: median(published),
    followed: median(followed),
  };
}

async function soak(sandbox: Sandbox): Promise<void> {
  const people = await People.make(sandbox);
  const started = performance.now();
  console.log(head());
  const parts: Part[] = [];
  for (let i = 1; i <= PARTS; i++) {
    parts.push(await part(people, started + i / PARTS * SECONDS * 1000));
    console.log(row(parts.at(-1)!));
  }
  console.log(`\nThe second half against the first, without its first part: ${growth(parts)}.`);
}

/** By the medians of parts: single ones differ with what else the machine does. */
function growth(parts: readonly Part[]): string {
  const middle = Math.floor(parts.length / 2);
  const [first, second] = [parts.slice(middle > 1 ? 1 : 0, middle), parts.slice(middle)];
  const ratio = (of: (part: Part) => number) =>
    `${(median(second.map(of)) / median(first.map(of))).toFixed(2)}x`;
  return [
    `publisher's processor time ${ratio(({ publisher }) => publisher.gtdMs)}`,
    `memory ${ratio(({ publisher }) => publisher.memory)}`,
    `follower's processor time ${ratio(({ follower }) => follower.gtdMs)}`,
    `memory ${ratio(({ follower }) => follower.memory)}`,
  ].join(", ");
}

try {
  await Sandbox.with("gtr-soak-", soak);
} catch (error) {
  console.error(`soak: ${(error as Error).message}`);
  Deno.exit(1);
}
Deno.exit(0);
