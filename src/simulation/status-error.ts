// A refusal as the API server words it: HTTP code plus a Status body with reason, message and details.
import type { Json, JsonMap } from "./objects.ts";

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly retryAfterSeconds?: number;
  readonly causes?: { reason: string; message: string; field: string }[];
}

export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails;

  constructor(code: number, reason: string, message: string, details: StatusDetails = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** What is named in messages: `deployments.apps "api"`. */
export interface Named {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

function qualified({ group, resource, name }: Named): string {
  return `${resource}${group === "" ? "" : `.${group}`} ${JSON.stringify(name)}`;
}

function detailsOf({ group, resource, name }: Named): StatusDetails {
  return { name, ...(group === "" ? {} : { group }), kind: resource };
}

export function notFound(object: Named): StatusError {
  return new StatusError(404, "NotFound", `${qualified(object)} not found`, detailsOf(object));
}

/** What an unknown path gets: no name in the details, unlike a missing object. */
export function noSuchResource(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource");
}

export function alreadyExists(object: Named): StatusError {
  return new StatusError(409, "AlreadyExists", `${qualified(object)} already exists`, detailsOf(object));
}

export function conflict(
  object: Named,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): StatusError {
  return new StatusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(object)}: ${why}`,
    detailsOf(object),
  );
}

/** The write or deletion is meant for another object of that name. */
export function otherUid(object: Named, sent: Json, found: string): StatusError {
  const text = `UID in precondition: ${JSON.stringify(sent)}, UID in object meta: ${found}`;
  return conflict(object, `Precondition failed: ${text}`);
}

/** What admission says no to: a quota, a LimitRange. */
export function forbidden(object: Named, why: string): StatusError {
  return new StatusError(403, "Forbidden", `${qualified(object)} is forbidden: ${why}`, detailsOf(object));
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
  );
}

export interface FieldError {
  readonly reason: "FieldValueInvalid" | "FieldValueRequired" | "FieldValueForbidden" | "FieldValueDuplicate";
  readonly field: string;
  readonly message: string;
}

export function invalid(
  kind: string,
  group: string,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const list = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  const full = group === "" ? kind : `${kind}.${group}`;
  return new StatusError(422, "Invalid", `${full} ${JSON.stringify(name)} is invalid: ${list}`, {
    name,
    ...(group === "" ? {} : { group }),
    kind,
    causes: errors.map(({ reason, field, message }) => ({ reason, field, message })),
  });
}

export function statusBody(error: StatusError): JsonMap {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    details: error.details as unknown as Json,
    code: error.code,
  };
}
