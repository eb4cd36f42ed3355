"""An independent client: npm's ws, under Node."""

import json
import os
import subprocess

import pytest

from tests.support.sdks.driver import find_modules, find_node
from tests.support.servers.gateways import DevGateway

pytestmark = pytest.mark.integration

SCRIPT = """
const [modules, url] = process.argv.slice(2);
const WebSocket = require(modules + "/ws");

const open = () => new Promise((resolve, reject) => {
  const client = new WebSocket(url);
  client.told = [];
  client.waiting = [];
  client.on("message", (data, isBinary) => {
    const message = {isBinary, ...JSON.parse(data)};
    const next = client.waiting.shift();
    next ? next(message) : client.told.push(message);
  });
  client.next = () => new Promise((next) => {
    client.told.length ? next(client.told.shift()) : client.waiting.push(next);
  });
  client.closed = new Promise((done) => {
    client.on("close", (code) => done(code));
  });
  client.say = (message) => client.send(JSON.stringify(message));
  client.on("open", () => resolve(client));
  client.on("error", reject);
});

(async () => {
  const reader = await open();
  const writer = await open();
  reader.say({type: "subscribe", topic: "npm"});
  const subscribed = await reader.next();
  writer.say({type: "message", topic: "npm", message: "x".repeat(20000)});
  const received = await reader.next();
  const pong = new Promise((done) => reader.on("pong", (data) => done(String(data))));
  reader.ping("hello");
  writer.send("x".repeat(40000));
  const tooLarge = await writer.closed;
  reader.close(4001, "enough");
  console.log(JSON.stringify({
    extensions: reader.extensions, subscribed, length: received.message.length,
    isBinary: received.isBinary, pong: await pong, tooLarge, left: await reader.closed,
  }));
})();
"""


def run_node(url: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [find_node(), "-", find_modules(), url],
        input=SCRIPT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.mark.slow
def test_a_node_client_that_trusts_the_certificate_speaks_tls(
    chat: DevGateway,
) -> None:
    certificate = chat.wait_for(lambda each: each["kind"] == "ready")["certificate"]
    url = chat.url.replace("ws:", "wss:")

    trusting = run_node(url, NODE_EXTRA_CA_CERTS=certificate)
    distrusting = run_node(url)

    assert trusting.returncode == 0, trusting.stderr
    assert json.loads(trusting.stdout)["pong"] == "hello"
    assert distrusting.returncode != 0


def test_a_node_client_is_served_like_any_other(chat: DevGateway) -> None:
    done = run_node(chat.url)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["extensions"] == "permessage-deflate"
    assert told["subscribed"] == {
        "isBinary": False,
        "type": "subscribed",
        "topic": "npm",
    }
    assert (told["length"], told["isBinary"]) == (20_000, False)
    assert told["pong"] == "hello"
    assert told["tooLarge"] == 1009
    assert told["left"] == 4001
    closed = chat.wait_for(lambda each: each.get("reason") == "enough")
    assert (closed["code"], closed["by"]) == (4001, "client")
