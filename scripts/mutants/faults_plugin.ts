/**
 * A plugin of `deno lint` that reports, instead of bad style, every place where a small fault fits.
 * Deno parses, so that no parser is needed.
 *
 * A report's message is JSON: `[kind, start, end, replacement]`, the offsets in characters.
 *
 * @module
 */

type Node = Deno.lint.Node;
type Range = readonly [start: number, end: number];

/** The plugin's name, and its only rule's. */
export const [PLUGIN, RULE] = ["mutants", "fault"];

const OTHER_OPERATOR: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
};
const OTHER_METHOD: Readonly<Record<string, string>> = {
  min: "max",
  max: "min",
  some: "every",
  every: "some",
  floor: "ceil",
  ceil: "floor",
};
/** Factors that turn one unit into another. */
const UNITS = /^(?:1_?000|1e3|1_?024|60|3_?600|24|8)$/;
/** Calls that only word or count what happened: no test has to notice that they are gone. */
const WORDING = /(?:^|[.#])(?:trace|debug|warn|log|info|dropped)\??\.?$/;

/** Whether the node is in what words an error or a line of the log. */
function isWording(node: Node, text: (node: Node) => string): boolean {
  for (let at = node; at.type !== "Program"; at = (at as Deno.lint.Expression).parent) {
    if (at.type === "NewExpression" && /Error$/.test(text(at.callee))) return true;
    if (at.type === "CallExpression" && WORDING.test(text(at.callee))) return true;
    if (at.type.startsWith("TS") && /Type|Interface/.test(at.type)) return true;
  }
  return false;
}

const plugin: Deno.lint.Plugin = {
  name: PLUGIN!,
  rules: {
    [RULE!]: {
      create(context) {
        const source = context.sourceCode.text;
        const text = (node: Node) => context.sourceCode.getText(node);
        const report = (node: Node, kind: string, [start, end]: Range, by: string) => {
          if (isWording(node, text)) return;
          context.report({ node, message: JSON.stringify([kind, start, end, by]) });
        };
        const invert = (test: Node) =>
          report(test, "inverted condition", test.range, `!(${text(test)})`);

        /** An operand, alone; or the same with another operator. */
        const keep = (node: Node, kind: string, kept: Node) =>
          report(node, kind, node.range, `(${text(kept)})`);
        const operator = (
          node: Deno.lint.BinaryExpression | Deno.lint.LogicalExpression,
          kind: string,
          other: string,
        ) => {
          const between: Range = [node.left.range[1], node.right.range[0]];
          const by = source.slice(...between).replace(node.operator, other);
          report(node, kind, between, by);
        };

        return {
          IfStatement(node) {
            invert(node.test);
            if (!node.alternate) report(node, "dropped check", node.range, "{}");
          },
          ConditionalExpression(node) {
            invert(node.test);
          },
          LogicalExpression(node) {
            keep(node, "dropped operand", node.left);
            keep(node, "dropped operand", node.right);
          },
          BinaryExpression(node) {
            const other = OTHER_OPERATOR[node.operator];
            const isEquality = node.operator.length === 3;
            if (other) operator(node, isEquality ? "inverted condition" : "boundary", other);
            const by = text(node.right as Node);
            if (/^[+-]$/.test(node.operator) && by === "1") {
              keep(node, "off by one", node.left as Node);
            }
            if (/^[*/]$/.test(node.operator) && UNITS.test(by)) {
              keep(node, "wrong unit", node.left as Node);
            }
          },
          AssignmentExpression(node) {
            if (node.operator !== "+=" && node.operator !== "-=") return;
            const between: Range = [node.left.range[1], node.right.range[0]];
            report(node, "no sum", between, " = ");
          },
          ExpressionStatement(node) {
            const { expression, range } = node;
            const awaited = expression.type === "AwaitExpression" ? expression.argument : undefined;
            const whole = awaited ?? expression;
            const call = whole.type === "ChainExpression" ? whole.expression : whole;
            if (isWording(call, text)) return;
            report(node, "removed statement", range, ";");
            if (awaited) report(node, "missing await", expression.range, `void ${text(awaited)}`);
          },
          CallExpression(node) {
            const last = node.arguments.at(-1);
            const start = node.arguments.at(-2)?.range[1] ?? last?.range[0];
            if (last) report(node, "dropped argument", [start!, last.range[1]], "");
            if (node.callee.type !== "MemberExpression") return;
            const { property } = node.callee;
            const name = text(property as Node);
            const other = Object.hasOwn(OTHER_METHOD, name) && OTHER_METHOD[name];
            if (other) report(node, "boundary", property.range, other);
          },
          ObjectExpression(node) {
            for (const [i, { range: [start, end] }] of node.properties.entries()) {
              const next = node.properties[i + 1]?.range[0] ?? end;
              report(node, "dropped argument", [start, next], "");
            }
          },
          Literal(node) {
            const { raw, range, parent } = node as Deno.lint.NumberLiteral;
            if (raw === "true" || raw === "false") {
              report(node, "flipped flag", range, raw === "true" ? "false" : "true");
            } else if (/^0o/.test(raw)) {
              report(node, "wrong permission", range, raw === "0o077" ? "0o007" : "0o666");
            } else if (/^[0-9]/.test(raw) && parent.type !== "MemberExpression") {
              // Of a large number nobody minds one more, but that it is of another unit.
              const isLarge = Number(raw.replaceAll("_", "")) >= 1000;
              if (isLarge) report(node, "wrong unit", range, `(${raw} / 1000)`);
              else report(node, "off by one", range, `(${raw} + 1)`);
            }
          },
        };
      },
    },
  },
};

export default plugin;
