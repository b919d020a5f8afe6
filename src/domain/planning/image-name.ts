// The parts of an image's name, split as kustomize splits them.

export interface ImageName {
  readonly name: string;
  /** "": there is none; the same for the digest, which is without its "@". */
  readonly tag: string;
  readonly digest: string;
}

export function splitImage(image: string): ImageName {
  const [named = "", ...digest] = image.split("@");
  const slash = named.indexOf("/");
  const colon = named.indexOf(":", Math.max(slash, 0));
  const [name, tag] = colon === -1 ? [named, ""] : [named.slice(0, colon), named.slice(colon + 1)];
  return { name, tag, digest: digest.join("@") };
}

export function imageText({ name, tag, digest }: ImageName): string {
  return name + (tag === "" ? "" : `:${tag}`) + (digest === "" ? "" : `@${digest}`);
}
