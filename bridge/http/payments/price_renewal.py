"""The route by which a buyer's page asks for a new price once the one it shows has ended."""

from litestar import Response, post
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath

from bridge.http.documents.payments import PaymentDocument, payment_document, payment_response
from bridge.http.front.dependencies import GivenInvoiceOpener, GivenJournal, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.http.payments.registration import is_for, switch
from coordinator.ids import is_id
from coordinator.payments.payments import OPEN_STATUSES

__all__ = ["renew_price"]


@post(
    "/{payment_id:str}/price",
    status_code=200,
    summary="Ask for a new price",
    description=(
        "For the page of whoever may see the payment: once the price of the coin to pay has ended (`quotedUntil`), "
        "the provider is asked for a new one. While it holds, nothing is asked, and the payment is answered as it "
        "stands."
    ),
    responses={
        200: payment_response("The payment, at a price that holds"),
        202: payment_response("The provider does not answer; the price comes as soon as it does"),
        **problem_responses(
            {
                400: "The provider refuses it, or does not offer the coin any more",
                401: "No good token",
                404: "No such payment",
                409: "The payment is over, or the bridge did not open its invoice",
                503: "Not known to be stored; send it again, with the same key",
            }
        ),
    },
)
async def renew_price(
    payment_id: FromPath[str], journal: GivenJournal, principal: GivenPrincipal, opener: GivenInvoiceOpener
) -> Response[PaymentDocument]:
    record = await journal.payment_record(payment_id) if is_id(payment_id) else None
    if record is None or not is_for(principal, record):
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    if not record.invoices or not opener.opens_for(record.payment.provider):
        raise ClientException("The invoice of this payment was not opened by the bridge.", status_code=409)
    if record.payment.status not in OPEN_STATUSES:
        raise ClientException(f"This payment is {record.payment.status}.", status_code=409)
    if record.invoices[0].opened is None:
        # It is opened as soon as it can be; a page that insists must not have the provider asked ever more often.
        return Response(payment_document(record, seen_by=principal), status_code=202)
    is_open, record = await switch(journal, opener, record, record.invoices[0].wanted.coin)
    return Response(payment_document(record, seen_by=principal), status_code=200 if is_open else 202)
