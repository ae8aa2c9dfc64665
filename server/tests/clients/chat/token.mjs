// JSON Web Tokens, good and bad, made by hand.
import { createHmac } from "node:crypto";

const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };

/** A signed token; `alg: "none"` leaves the signature empty. */
export function token(claims, secret, { alg = "HS256", header = {} } = {}) {
  const signed = `${part({ alg, typ: "JWT", ...header })}.${part(claims)}`;
  const signature = alg === "none" ? "" : createHmac(HASHES[alg], secret).update(signed).digest("base64url");
  return `${signed}.${signature}`;
}

/** Claims of a user who may come in for the next hour. */
export const claims = (sub, name = sub) => ({ sub, name, exp: Math.floor(Date.now() / 1000) + 3600 });
