"""The routes of the console, for finance ops alone: `/api/ops/…`."""

from litestar import Router
from litestar.di import Provide

from bridge.http.front.callers import FOR_OPS
from bridge.http.ops.access import change_access, change_access_in_console, list_revocations
from bridge.http.ops.actions import dismiss, recheck_payout, replay_webhook, resolve_payout_in_console
from bridge.http.ops.alerts import (
    assign_attention,
    attention_desk,
    close_attention,
    get_attention_history,
    note_attention,
    reopen_attention,
    snooze_attention,
)
from bridge.http.ops.approvals import (
    approve_payout,
    approve_payout_in_console,
    reject_payout,
    reject_payout_in_console,
    withdraw_payout,
    withdraw_payout_in_console,
)
from bridge.http.ops.books import (
    export_entries,
    export_statement,
    export_totals,
    get_statement,
    get_totals,
)
from bridge.http.ops.connections import list_connections
from bridge.http.ops.filters import payment_filter, payout_filter
from bridge.http.ops.histories import list_histories
from bridge.http.ops.holds import (
    get_payout_hold,
    hold_payouts,
    hold_payouts_in_console,
    resume_payouts,
    resume_payouts_in_console,
)
from bridge.http.ops.lists import (
    export_payments,
    export_payouts,
    export_transfers,
    get_payment_row,
    get_payout_row,
    list_payment_rows,
    list_payout_rows,
    list_transfer_rows,
)
from bridge.http.ops.network_fees import export_network_fees, get_network_fees
from bridge.http.ops.overview import get_attention, list_actions
from bridge.http.ops.payments import (
    accept_payment,
    cancel_payment_in_console,
    give_transaction,
    have_payment_wait,
    settle_payment,
)
from bridge.http.ops.refunds import open_refund_in_console, withdraw_refund_in_console
from bridge.http.ops.session import get_ops_session
from bridge.http.ops.sign_in import (
    begin_sign_in,
    end_console_session,
    get_console_session,
    return_from_provider,
)
from bridge.http.ops.story import get_payment_story, get_payout_story
from bridge.http.ops.system import get_system_status
from bridge.http.ops.wallets import (
    compare_wallets,
    export_reconciliation,
    get_reconciliation,
    get_wallets,
    list_wallet_movements,
    note_wallet_movement,
)

__all__ = ["access_router", "ops_router", "payout_decision_router", "sign_in_routes"]

ops_router = Router(
    "/api/ops",
    route_handlers=[
        get_ops_session,
        list_payout_rows,
        list_payment_rows,
        get_payout_row,
        get_payment_row,
        *export_payouts,
        *export_payments,
        get_attention,
        list_transfer_rows,
        *export_transfers,
        get_totals,
        *export_totals,
        get_statement,
        *export_statement,
        *export_entries,
        get_network_fees,
        *export_network_fees,
        get_wallets,
        get_reconciliation,
        *export_reconciliation,
        compare_wallets,
        list_wallet_movements,
        note_wallet_movement,
        list_actions,
        list_histories,
        get_system_status,
        list_connections,
        get_payment_story,
        get_payout_story,
        replay_webhook,
        recheck_payout,
        resolve_payout_in_console,
        approve_payout_in_console,
        reject_payout_in_console,
        withdraw_payout_in_console,
        accept_payment,
        cancel_payment_in_console,
        have_payment_wait,
        give_transaction,
        settle_payment,
        open_refund_in_console,
        withdraw_refund_in_console,
        hold_payouts_in_console,
        resume_payouts_in_console,
        dismiss,
        change_access_in_console,
        list_revocations,
        assign_attention,
        note_attention,
        snooze_attention,
        close_attention,
        reopen_attention,
        get_attention_history,
    ],
    dependencies={
        "payout_filter": Provide(payout_filter),
        "payment_filter": Provide(payment_filter),
        "attention_desk": Provide(attention_desk, sync_to_thread=False),
    },
    opt={FOR_OPS: True},
    tags=["Console"],
)

# What people decide about payouts and services tell for them; to do so in the console is above.
payout_decision_router = Router(
    "/api/payouts",
    route_handlers=[approve_payout, reject_payout, withdraw_payout, get_payout_hold, hold_payouts, resume_payouts],
    tags=["Payouts"],
)

# What services take back of access; to do so in the console is above.
access_router = Router("/api", route_handlers=[change_access])

# Where staff sign in, before anybody knows who they are.
sign_in_routes = (begin_sign_in, return_from_provider, get_console_session, end_console_session)
