"""`bridge endpoints`: where services are sent events, and how each delivery stands, from a terminal."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from bridge.cli.asking import By, Place, Url, bridge_in_use, outcome_of, sent
from bridge.cli.console import note, on_one_line, say, shorten
from bridge.cli.options import AsJson, Config, command_group

__all__ = ["endpoints"]

endpoints = command_group("Register where events are sent, and see what was.")

EndpointId = Annotated[str, typer.Argument(help="The endpoint, such as end_….")]


@endpoints.callback()
def about() -> None:
    """Register where events are sent, and see what was.

    The token of staff, or of a service that receives events, is taken from the environment: BRIDGE_TOKEN.
    """


@endpoints.command("list")
def list_all(url: Url = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the endpoints that there are."""
    found = _ask((url, config), "GET", "")["endpoints"]
    if as_json:
        _say_as_json(found)
        return
    if not found:
        note("there is no endpoint yet; bridge endpoints add registers one")
    for one in found:
        order = "in order" if one["ordered"] else "side by side"
        state = one["status"] if one["disabledBecause"] is None else f"disabled ({one['disabledBecause']})"
        line = (
            f"{one['endpointId']}  {one['url']}  {' '.join(one['events'])}  {order}  {state}  {one['behind']} behind"
        )
        say(on_one_line(line))


@endpoints.command()
def add(
    target: Annotated[str, typer.Argument(help="Where events are sent, such as https://shop.example/hook.")],
    event: Annotated[
        list[str] | None, typer.Option(help="An event, or a pattern such as payment-*; may be repeated.")
    ] = None,
    unordered: Annotated[bool, typer.Option("--unordered", help="Send several at once, in any order.")] = False,
    url: Url = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Register an endpoint, or change it. Prints the secret of a new one, which is never shown again."""
    if not event:
        raise typer.BadParameter(f"name one --event or several, or a pattern such as payment-*:\n{_known_events()}")
    made = _ask((url, config), "POST", "", {"url": target, "events": event, "ordered": not unordered, "by": by})
    if as_json:
        _say_as_json(made)
        return
    say(made["endpointId"])
    if made["secret"] is not None:
        say(made["secret"])


def _known_events() -> str:
    from bridge.catalogue import JOURNALED

    return "\n".join(sorted(frozenset[str]().union(*JOURNALED.values())))


@endpoints.command()
def deliveries(
    endpoint_id: EndpointId,
    status: Annotated[str | None, typer.Option(help="Only those that are pending, delivered or failed.")] = None,
    url: Url = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what was sent to an endpoint, or is to be sent again, the newest events first."""
    query = "" if status is None else f"?status={quote(status)}"
    found = _ask((url, config), "GET", f"{_path(endpoint_id)}/deliveries{query}")["deliveries"]
    if as_json:
        _say_as_json(found)
        return
    if not found:
        note("nothing was sent to it yet, of what is asked for")
    for one in found:
        answer = "no answer" if one["answerStatus"] is None else str(one["answerStatus"])
        said = shorten(one["said"], 60)
        line = f"{one['messageId']}  {one['event']}  {one['status']}  {one['tries']} tries  {answer}  {said}"
        say(on_one_line(line))


@endpoints.command("test")
def send_test(
    endpoint_id: EndpointId, url: Url = None, by: By = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Send a test event. Its delivery says what came of it."""
    _show(_ask((url, config), "POST", f"{_path(endpoint_id)}/test", {"by": by}), "messageId", as_json=as_json)


@endpoints.command()
def replay(
    endpoint_id: EndpointId,
    message: Annotated[str | None, typer.Option(help="Send this one again, such as evt_….")] = None,
    after: Annotated[str | None, typer.Option(help="Send all again that came after this offset.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Send all again that is stored.")] = False,
    url: Url = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send one event again, or all from an offset on."""
    if [message is not None, after is not None, everything].count(True) != 1:
        raise typer.BadParameter("write one of --message, --after and --everything")
    if message is not None:
        path, content = f"{_path(endpoint_id)}/deliveries/{quote(message, safe='')}/replay", {"by": by}
    else:
        path, content = f"{_path(endpoint_id)}/replay", {"after": after, "by": by}
    done = _ask((url, config), "POST", path, content)
    if as_json:
        _say_as_json(done)
    else:
        say("it is sent again")


@endpoints.command()
def rotate(
    endpoint_id: EndpointId,
    keep_seconds: Annotated[int, typer.Option(help="How long the secret before is signed with too.")] = 86_400,
    url: Url = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint another secret, and print that."""
    made = _ask((url, config), "POST", f"{_path(endpoint_id)}/secrets", {"keepSeconds": keep_seconds, "by": by})
    _show(made, "secret", as_json=as_json)


@endpoints.command()
def enable(
    endpoint_id: EndpointId, url: Url = None, by: By = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Send to an endpoint again, from where it was left."""
    _show(_ask((url, config), "POST", f"{_path(endpoint_id)}/enabling", {"by": by}), "status", as_json=as_json)


@endpoints.command()
def disable(
    endpoint_id: EndpointId,
    note: Annotated[str | None, typer.Option("--note", help="Why, for the record.")] = None,
    url: Url = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing to an endpoint any more."""
    done = _ask((url, config), "POST", f"{_path(endpoint_id)}/disabling", {"note": note, "by": by})
    _show(done, "status", as_json=as_json)


@endpoints.command()
def remove(
    endpoint_id: EndpointId, url: Url = None, by: By = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Remove an endpoint for good."""
    _show(_ask((url, config), "POST", f"{_path(endpoint_id)}/removal", {"by": by}), "message", as_json=as_json)


def _show(found: Mapping[str, Any], name: str, *, as_json: bool) -> None:
    """What a person asked for of an answer, or all of it for a program."""
    if as_json:
        _say_as_json(found)
    else:
        say(found[name])


def _say_as_json(found: object) -> None:
    say(json.dumps(found, indent=2))


def _path(endpoint_id: str) -> str:
    return f"/{quote(endpoint_id, safe='')}"


def _ask(place: Place, method: str, path: str, content: Mapping[str, object] | None = None) -> dict[str, Any]:
    answer = sent(bridge_in_use(*place), method, f"/api/endpoints{path}", content)
    return outcome_of(answer, "the token of staff, or of a service that receives events")
