// Runs pytest on a CPython that is compiled to WebAssembly (Pyodide), which npm has for
// each version of Python: node wasm_pytest.mjs PYODIDE SITE_PACKAGES REPOSITORY ARGS...
import { pathToFileURL } from "node:url";

const [pyodide, packages, repository, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const python = await loadPyodide({
  env: {
    CI: "true", // so Hypothesis waits as long as this slow interpreter takes
    HOME: "/tmp",
    HYPOTHESIS_STORAGE_DIRECTORY: "/tmp/hypothesis",
    PYTHONDONTWRITEBYTECODE: "1",
  },
});
python.mountNodeFS("/packages", packages);
python.mountNodeFS("/repository", repository);
python.globals.set("ARGS", args);
process.exitCode = python.runPython(`
import os
import sys

sys.path[:0] = ["/repository/src", "/packages"]
os.chdir("/repository")

import pytest

print("Python", ".".join(map(str, sys.version_info[:3])))
int(pytest.main(list(ARGS)))
`);
