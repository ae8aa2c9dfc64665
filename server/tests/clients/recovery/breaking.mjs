// The breaking proxy as a program, for clients that are not in JavaScript: prints its address and breaks things until it is ended.
//   node breaking.mjs URL SEED TRANSPORT…
import { Proxy } from "./proxy.mjs";
import { Random } from "./random.mjs";
import { breakThings } from "./storm.mjs";

const [target, seed, ...transports] = process.argv.slice(2);
const proxy = await Proxy.start(target);
console.log(proxy.url);
await breakThings(proxy, transports, new Random(Number(seed)), () => false);
