/** What the API says went wrong. Codes never change; messages say what to do. */
export class Problem extends Error {
  readonly code: string;
  readonly fields: readonly FieldProblem[];
  readonly requestID: string | undefined;

  constructor(code: string, message: string, fields: readonly FieldProblem[] = [], requestID?: string) {
    super(message);
    this.name = "Problem";
    this.code = code;
    this.fields = fields;
    this.requestID = requestID;
  }
}

/** One rule that one field of an input breaks. */
export interface FieldProblem {
  name: string;
  message: string;
}

/** The code of an error; "" where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Problem ? error.code : "";
}

/** An error in words, as a sentence. */
export function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The message for one field of a form; fields of the input are known by their names' first part. */
export function fieldMessage(error: unknown, name: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const found = error.fields.filter((field) => field.name === name || field.name.startsWith(`${name}[`) || field.name.startsWith(`${name}.`));
  return found.length ? found.map((field) => inWords(new Error(field.message))).join(" ") : undefined;
}

/** Whether asking again can help. */
export function isPassing(error: unknown): boolean {
  return ["offline", "unavailable", "internal"].includes(codeOf(error));
}
