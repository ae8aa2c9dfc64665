// Where the chat server under test is.
import { afterEach } from "node:test";
import { Person } from "./person.mjs";
import { claims, token } from "./token.mjs";

export const URL = process.env.TARGET_URL ?? "http://127.0.0.1:3000";
export const JWT_SECRET = process.env.TARGET_JWT_SECRET ?? "";

afterEach(() => Person.everybodyLeaves());

/** A guest of this name. */
export const guest = (name, options) => Person.connect(URL, { name }, options);

/** A user of the application, known by a token. */
export const member = (sub, name, options) => Person.connect(URL, { token: token(claims(sub, name), JWT_SECRET) }, options);
