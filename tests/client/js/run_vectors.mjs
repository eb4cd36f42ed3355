// node run_vectors.mjs MODULE RUNNER: takes vectors from stdin, says what is wrong.
import { text } from "node:stream/consumers";

const [module, runner] = process.argv.slice(2);
const { PubSubClient } = await import(module);
const { runAll } = await import(runner);
const vectors = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await runAll(vectors, PubSubClient)));
