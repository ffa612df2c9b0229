"""Errors as clients see them: RFC 9457 problem details, with the status and the words for each error there is."""

import logging
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, SerializationException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send

from bridge.access import AccessChangedError, GrantsUnknownError, NotPermittedError, TokenError, TokenErrorCode
from bridge.catalogue.publication import PublicationRefusedError
from bridge.http.front.head import with_head_allowed
from bridge.journal import (
    EndpointsExhaustedError,
    IdempotencyKeyReusedError,
    JournalUnavailableError,
    OffsetElsewhereError,
    PaymentConflictError,
    PayoutRefusedError,
    UnreadableRowError,
)
from bridge.workers.payouts.sender import PayoutsUnsetError
from coordinator.books.wallets import MovementDoubtedError
from coordinator.payouts.named_transactions import TransactionTakenError
from coordinator.refunds.given_addresses import OtherAddressError
from coordinator.refunds.refunds import OtherRefundsError, RefundRefusedError

__all__ = [
    "PROBLEM_MEDIA_TYPE",
    "REFUND_REFUSED",
    "challenge_of",
    "exception_handlers",
    "no_such",
    "problem",
    "send_problem",
    "unreadable_body",
    "wrong_field",
]

logger = logging.getLogger("bridge.http")

SHOWN_CHARACTERS = 500
SHOWN_FAULTS = 20

PROBLEM_MEDIA_TYPE = "application/problem+json"

OFFSET_NOT_HELD = "Offset not held"

TITLES = {
    400: "Invalid request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    429: "Too many",
}

# How the framework says so, as an error of its own.
WHO_ASKED_HAS_GONE = "client disconnected prematurely"
# And that a request has no body, which it calls the route's `data`.
NO_BODY = {"key": "data", "message": "'data'"}.items()

NOT_CHANGED = (
    "Nothing was changed. It is on the list of what needs a person, with what to do; ask again once that is done."
)
NOT_READ_IN_TIME = "Ask again in a few seconds."
NOT_KNOWN_TO_BE_STORED = (
    "It is not known whether this was stored. Send the very same request again: a webhook, and what has the same"
    " Idempotency-Key, is stored once."
)

ROW_UNREADABLE = "unreadable"
"""The `code` where what is stored of something cannot be read."""
REFUND_REFUSED = "refund_refused"
"""The `code` of a refund that cannot be opened, sent or withdrawn so."""
OTHER_REFUNDS = "other_refunds"
"""The `code` where a payment has refunds that whoever opens one may not have seen."""
TRANSACTION_TAKEN = "transaction_taken"
"""The `code` where a transaction is named that is another payout's, or refund's."""
OTHER_ADDRESS = "other_address"
"""The `code` where a refund is said to have gone elsewhere than its buyer wants the payment's refunds."""
MOVEMENT_DOUBTED = "movement_doubted"
"""The `code` where what is noted of a wallet would leave it and the books further apart."""
NO_SUCH_THING = "not_found"
"""The `code` where there is a route, and not what it was asked about."""

AnyRequest = Request[Any, Any, Any]


def problem(
    status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response[dict[str, object]]:
    """A problem document: `title` names the kind of problem, `detail` says what was wrong here and what to do."""
    return Response(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, **members},
        status_code=status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=headers,
    )


def wrong_field(field: str, message: str, code: str | None = None) -> ValidationException:
    """To be raised where one field of the body is wrong for a reason that its type does not know. The code is for
    pages that say it in another language."""
    fault = {"key": field, "message": message}
    return ValidationException(extra=[fault if code is None else {**fault, "code": code}])


def no_such(what: str) -> NotFoundException:
    """To be raised where there is not what a route was asked about."""
    return NotFoundException(f"There is no {what}.", extra={"code": NO_SUCH_THING})


def _wrong_fields(errors: list[dict[str, str]]) -> Response[dict[str, object]]:
    shown = [{name: _showable(value) for name, value in error.items()} for error in errors[:SHOWN_FAULTS]]
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in shown)
    if len(errors) > len(shown):
        detail += f"; and at least {len(errors) - len(shown)} more"
    return problem(400, "Invalid request", detail, errors=shown)


def _showable(text: str) -> str:
    """A name that somebody made up may be of any length, and of characters that UTF-8 does not have."""
    return text[:SHOWN_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def unreadable_body() -> ValidationException:
    """To be raised where the body is no JSON at all."""
    return wrong_field("body", "is not JSON in UTF-8, or has half a character in it (a lone surrogate)")


def _refused_publication(_request: AnyRequest, error: PublicationRefusedError) -> Response[dict[str, object]]:
    return _wrong_fields([{"field": fault.field, "message": fault.message} for fault in error.faults])


def _unavailable(request: AnyRequest, error: JournalUnavailableError) -> Response[dict[str, object]]:
    """Of what was to be written no more is known here: a commit that was given up may come about all the same."""
    is_question = request.method in ("GET", "HEAD")
    said = f"{_begun(error)}. {NOT_READ_IN_TIME if is_question else NOT_KNOWN_TO_BE_STORED}"
    title = "Not available" if is_question else "Not known to be stored"
    return problem(503, title, said, headers={"Retry-After": "5"})


def _grants_unknown(_request: AnyRequest, error: GrantsUnknownError) -> Response[dict[str, object]]:
    return problem(503, "Not available", f"{_begun(error)}.", headers={"Retry-After": "5"})


def _access_changed(_request: AnyRequest, error: AccessChangedError) -> Response[dict[str, object]]:
    said = f"{_begun(error)}. Nothing was stored. Ask again."
    return problem(503, "Not available", said, headers={"Retry-After": "1"})


def _token_refused(_request: AnyRequest, error: TokenError) -> Response[dict[str, object]]:
    return problem(401, TITLES[401], str(error), headers=challenge_of(error.code), code=error.code)


def _not_permitted(_request: AnyRequest, error: NotPermittedError) -> Response[dict[str, object]]:
    return problem(403, TITLES[403], str(error))


def challenge_of(code: TokenErrorCode) -> Mapping[str, str]:
    """How somebody is asked for a token, or for another one (RFC 6750, section 3)."""
    return {"WWW-Authenticate": "Bearer" if code == "token_missing" else 'Bearer error="invalid_token"'}


def _begun(error: Exception) -> str:
    """What an error says, as a sentence begins."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}"


def _payouts_unset(_request: AnyRequest, error: PayoutsUnsetError) -> Response[dict[str, object]]:
    said = f"{_begun(error)}. Nothing was stored. Try again later."
    return problem(503, "Not available", said, headers={"Retry-After": "60"})


def _unreadable_row(request: AnyRequest, error: UnreadableRowError) -> Response[dict[str, object]]:
    logger.error("%s %s failed: %s: %s", request.method, request.url.path, error, error.row.reason)
    said = f"{_begun(error)}. {NOT_CHANGED}"
    return problem(500, "Unreadable", said, code=ROW_UNREADABLE)


def _conflict(_request: AnyRequest, error: PaymentConflictError) -> Response[dict[str, object]]:
    return problem(409, "Already registered", str(error), paymentId=error.payment_id)


def _payout_refused(_request: AnyRequest, error: PayoutRefusedError) -> Response[dict[str, object]]:
    field = f"payouts.{error.number}"
    return problem(409, "No payout", f"{field}: {error}", errors=[{"field": field, "message": str(error)}])


def _refund_refused(_request: AnyRequest, error: RefundRefusedError) -> Response[dict[str, object]]:
    return problem(409, "No refund", _begun(error), code=REFUND_REFUSED)


def _other_refunds(_request: AnyRequest, error: OtherRefundsError) -> Response[dict[str, object]]:
    return problem(409, "Other refunds", f"{error}.", code=OTHER_REFUNDS, refunds=list(error.refund_ids))


def _transaction_taken(_request: AnyRequest, error: TransactionTakenError) -> Response[dict[str, object]]:
    return problem(409, "Transaction taken", f"{error}.", code=TRANSACTION_TAKEN)


def _other_address(_request: AnyRequest, error: OtherAddressError) -> Response[dict[str, object]]:
    return problem(409, "Other address", f"{error}.", code=OTHER_ADDRESS)


def _movement_doubted(_request: AnyRequest, error: MovementDoubtedError) -> Response[dict[str, object]]:
    text = f"{_begun(error)}. If it moved all the same, say that this was seen."
    return problem(409, "Movement doubted", text, code=MOVEMENT_DOUBTED)


def _no_more_endpoints(_request: AnyRequest, error: EndpointsExhaustedError) -> Response[dict[str, object]]:
    return problem(409, "Too many endpoints", f"{str(error)[0].upper()}{str(error)[1:]}.")


def _offset_elsewhere(_request: AnyRequest, error: OffsetElsewhereError) -> Response[dict[str, object]]:
    return problem(410, OFFSET_NOT_HELD, f"{str(error)[0].upper()}{str(error)[1:]}.")


def _key_reused(_request: AnyRequest, error: IdempotencyKeyReusedError) -> Response[dict[str, object]]:
    return problem(422, "Idempotency-Key reused", str(error))


def _http(request: AnyRequest, error: HTTPException) -> Response[dict[str, object]]:
    if error.detail == WHO_ASKED_HAS_GONE:
        return problem(400, TITLES[400], "The connection was closed before the request was whole.")
    if isinstance(error.__cause__, SerializationException):
        return _http(request, unreadable_body())
    if error.status_code >= 500:
        return _unexpected(request, error)
    title = TITLES.get(error.status_code, "Refused")
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        if any(fault.items() >= NO_BODY for fault in error.extra):
            return _wrong_fields([{"field": "body", "message": "is empty; this takes a JSON object"}])
        return _wrong_fields(
            [
                {
                    "field": _as_asked(request, fault.get("key", "body")),
                    "message": fault["message"].removeprefix("Value error, "),
                    **({"code": fault["code"]} if "code" in fault else {}),
                }
                for fault in error.extra
            ]
        )
    members = error.extra if isinstance(error.extra, dict) else {}
    detail = _how_large(request) if isinstance(error, RequestEntityTooLarge) else error.detail
    return problem(error.status_code, title, detail, headers=with_head_allowed(error.headers), **members)


def _how_large(request: AnyRequest) -> str:
    return f"A body has at most {request.route_handler.resolve_request_max_body_size()} bytes here."


def _as_asked(request: AnyRequest, key: str) -> str:
    """What a parameter is called in the address, of one that the code calls otherwise."""
    if "route_handler" not in request.scope:  # as on the fast path
        return key
    parameter = request.route_handler.parsed_fn_signature.parameters.get(key)
    described = None if parameter is None else parameter.kwarg_definition
    return getattr(described, "name", None) or key


def _too_deep(_request: AnyRequest, _error: RecursionError) -> Response[dict[str, object]]:
    return problem(400, "Invalid request", "The body is nested too deeply; no request of this API is.")


def _unexpected(request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "Internal error", "The bridge failed on this request; its log says why.")


exception_handlers: ExceptionHandlersMap = {
    JournalUnavailableError: _unavailable,
    GrantsUnknownError: _grants_unknown,
    AccessChangedError: _access_changed,
    TokenError: _token_refused,
    NotPermittedError: _not_permitted,
    PayoutsUnsetError: _payouts_unset,
    UnreadableRowError: _unreadable_row,
    PaymentConflictError: _conflict,
    IdempotencyKeyReusedError: _key_reused,
    PayoutRefusedError: _payout_refused,
    RefundRefusedError: _refund_refused,
    OtherRefundsError: _other_refunds,
    TransactionTakenError: _transaction_taken,
    OtherAddressError: _other_address,
    MovementDoubtedError: _movement_doubted,
    EndpointsExhaustedError: _no_more_endpoints,
    OffsetElsewhereError: _offset_elsewhere,
    PublicationRefusedError: _refused_publication,
    HTTPException: _http,
    RecursionError: _too_deep,
    Exception: _unexpected,
}
"""What the application answers when a route raises."""


async def send_problem(what: Response[Any] | Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request past the framework with a problem, or with what an error is answered with."""
    request: AnyRequest = Request(scope, receive, send)
    response = what if isinstance(what, Response) else _answer_to(request, what)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)


def _answer_to(request: AnyRequest, error: Exception) -> Response[Any]:
    answers = (
        answer for kind, answer in exception_handlers.items() if isinstance(kind, type) and isinstance(error, kind)
    )
    return next(answers)(request, error)
