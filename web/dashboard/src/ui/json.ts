/** JSON as text: indented and coloured without reading its values, so that every number and name stays as it came. */

export type TokenKind = "name" | "string" | "number" | "word" | "mark" | "space";

export interface Token {
  kind: TokenKind;
  text: string;
}

const pattern = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]|\s+|[^\s"{}[\],:]+/gs;

/** The tokens of a JSON text, whatever blanks are between them. What is not JSON comes out as it is. */
export function tokens(text: string): Token[] {
  const all: Token[] = [];
  for (const [part] of text.matchAll(pattern)) {
    if (/^\s/.test(part)) continue;
    all.push({ kind: kindOf(part), text: part });
  }
  for (let i = 0; i + 1 < all.length; i++) {
    if (all[i]!.kind === "string" && all[i + 1]!.text === ":") all[i]!.kind = "name";
  }
  return all;
}

function kindOf(part: string): TokenKind {
  if (part.startsWith('"')) return "string";
  if (/^-?\d/.test(part)) return "number";
  if (/^[{}[\],:]$/.test(part)) return "mark";
  return "word";
}

/** The tokens with line breaks and indents between them. */
export function indented(text: string): Token[] {
  const all = tokens(text);
  const out: Token[] = [];
  let depth = 0;
  const space = (content: string) => out.push({ kind: "space", text: content });
  const line = () => space(`\n${"  ".repeat(depth)}`);
  all.forEach((token, i) => {
    const next = all[i + 1]?.text;
    switch (token.text) {
      case "{":
      case "[":
        out.push(token);
        depth++;
        if (next !== "}" && next !== "]") line();
        return;
      case "}":
      case "]":
        depth = Math.max(0, depth - 1);
        if (all[i - 1]?.text !== "{" && all[i - 1]?.text !== "[") line();
        out.push(token);
        return;
      case ",":
        out.push(token);
        line();
        return;
      case ":":
        out.push(token);
        space(" ");
        return;
      default:
        out.push(token);
    }
  });
  return out;
}

/** The text, indented. */
export function pretty(text: string): string {
  return indented(text)
    .map((token) => token.text)
    .join("");
}

/** Whether a text is JSON. */
export function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
