// SelfSubjectAccessReview: what the asking account may do, and whom the cluster's one user may act as.
import { type Accounts, mayDo } from "./accounts.ts";
import { isMap, type JsonMap } from "./objects.ts";

export const accessReviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

export function reviewAccess(review: JsonMap, user: string | null, accounts: Accounts): JsonMap {
  const { spec } = review;
  const asked = isMap(spec) && isMap(spec.resourceAttributes) ? spec.resourceAttributes : {};
  return { ...review, status: { allowed: answer(asked, user, accounts) } };
}

function answer(asked: JsonMap, user: string | null, accounts: Accounts): boolean {
  const text = (key: string): string => {
    const value = asked[key];
    return typeof value === "string" ? value : "";
  };
  const [verb, resource, subresource] = [text("verb"), text("resource"), text("subresource")];
  const [namespace, name] = [text("namespace"), text("name")];
  if (verb === "impersonate" && user === null) {
    const account = resource === "serviceaccounts" ? `system:serviceaccount:${namespace}:${name}` : name;
    return name !== "" && (resource === "groups" || accounts.has(account));
  }
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  return mayDo(accounts, user, { verb, resource: whole, namespace });
}
