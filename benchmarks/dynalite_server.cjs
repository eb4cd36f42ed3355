// dynalite, an independent DynamoDB on LevelDB, in memory.
//
//     node dynalite_server.cjs NODE_MODULES
//
// Says where it listens in one line of JSON; ends when its standard input does.
"use strict";

const path = require("node:path");
const { createRequire } = require("node:module");

const load = createRequire(path.join(path.resolve(process.argv[2]), "..", "package.json"));
const server = load("dynalite")({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });

server.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  process.stdout.write(JSON.stringify({ url }) + "\n");
});
process.stdin.on("end", () => process.exit(0)).resume();
