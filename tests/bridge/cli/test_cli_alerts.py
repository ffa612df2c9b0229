"""`bridge alerts test`, and what `bridge doctor` and a start say of channels."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.answering_server import Asked, answering_requests
from tests.commands import Command
from tests.mail_sink import running_mail_sink

ADA, BOB = "ada@shop.example", "bob@shop.example"


def run(tmp_path: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    output = tmp_path / "output"
    with output.open("wb") as written:
        command = Command(*arguments, cwd=tmp_path, env=variables, stdout=written, stderr=written)
        code = command.wait()
    return code, output.read_text()


def test_a_test_message_says_who_was_reached_and_what_is_wrong_with_the_others(tmp_path: Path) -> None:
    texts: list[str] = []

    def answer(asked: Asked) -> tuple[int, Any]:
        texts.append(json.loads(asked.body)["text"])
        return 200, "ok"

    with running_mail_sink() as mail, answering_requests(answer) as url:
        mail.refused.add(BOB)
        finance = {"kind": "mail", "host": "127.0.0.1", "port": mail.port, "security": "none", "to": [ADA, BOB]}
        channels = {"finance": {**finance, "sender": "bridge@shop.example"}, "chat": {"kind": "chat"}}
        settings = {
            "BRIDGE_ALERTS": json.dumps({"channels": channels}),
            "BRIDGE_ALERT_SECRET_CHAT": f"{url}/hooks?key=a-secret",
        }
        code, said = run(tmp_path, "alerts", "test", **settings)
        assert code == 1
        assert f"finance {ADA}: the message was taken" in said
        assert f"finance {BOB}: 127.0.0.1 refuses {BOB}: 550" in said
        assert "chat: the message was taken" in said
        assert "a-secret" not in said
        assert [one["Subject"] for one in mail.to(ADA)] == ["The bridge: a test"]
        assert len(texts) == 1
        code, said = run(tmp_path, "alerts", "test", "--json", **settings)
        told = {one["destination"]: one["problem"] for one in json.loads(said)}
        assert (code, told.pop(f"finance {BOB}").startswith(f"127.0.0.1 refuses {BOB}: 550")) == (1, True)
        assert told == {f"finance {ADA}": None, "chat": None}
        assert run(tmp_path, "alerts", "test", "--channel", "chat", **settings)[0] == 0
        code, said = run(tmp_path, "alerts", "test", "--channel", "nobody", **settings)
        assert (code, "there is no channel 'nobody'" in said) == (1, True)
        _, said = run(tmp_path, "doctor", **settings)
        assert f"finance {ADA}, finance {BOB}, chat hear of what needs a person" in said
        assert "is never told of anything" not in said
        silent = {"kind": "chat", "critical": "never", "warning": "never", "notice": "never"}
        alerts = json.dumps({"channels": {**channels, "chat": silent}})
        _, said = run(tmp_path, "doctor", **{**settings, "BRIDGE_ALERTS": alerts})
        assert "alerts.channels.chat is never told of anything" in said


@pytest.mark.parametrize("url", ["", "http://chat.example/k3y-value", "ftp://chat.example/k3y-value"])
def test_a_chat_without_a_safe_address_stops_the_start(tmp_path: Path, url: str) -> None:
    chat = {"BRIDGE_ALERTS": '{"channels": {"ops": {"kind": "chat"}}}', "BRIDGE_ALERT_SECRET_OPS": url}
    code, said = run(tmp_path, "serve", "--port", "0", **chat)
    assert code == 1
    assert ("alerts.channels.ops" in said, "k3y-value" in said) == (True, False)
