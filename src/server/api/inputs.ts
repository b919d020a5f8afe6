// JSON schemas of what callers give, used by several routes. The descriptions complete "<name> is …" in error messages.
import type { JsonObject } from "../../domain/json.ts";

export const limit: JsonObject = { type: "integer", minimum: 1, maximum: 500, default: 50 };

export const yesNo: JsonObject = { type: "boolean" };

/** Names of templates, namespaces, people's own words: short, and whatever they hold, it is only compared. */
export const nameText: JsonObject = {
  type: "string",
  minLength: 1,
  maxLength: 253,
  description: "a name of at most 253 characters",
};

export const beforeId: JsonObject = {
  type: "string",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  description: "a whole id: take `next` of the page before",
};

export const reason: JsonObject = {
  type: "string",
  pattern: "\\S",
  maxLength: 1000,
  description: "a text of at most 1000 characters that says why; it stands in the record",
};

export const person: JsonObject = {
  type: "string",
  pattern: "\\S",
  maxLength: 100,
  description: "a name of at most 100 characters",
};
