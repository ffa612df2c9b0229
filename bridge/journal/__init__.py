"""The journal: what was observed, what it made of the payments, and the events that followed, in one durable order.

It knows nothing of HTTP, sockets or providers. State, deduplication key and events of one request are committed in
one transaction by a single writer; whoever fans out reads the tail.
"""

from bridge.journal.address_queries import OwnAddress
from bridge.journal.chain_queries import ChainAlarm, UnmatchedTransfer
from bridge.journal.chain_records import ChainRecords
from bridge.journal.chain_requests import ChainCommit, CommittedStep
from bridge.journal.coin_queries import WaitedCoin
from bridge.journal.commit_times import Commit, CommitTimes
from bridge.journal.console_queries import (
    TOTAL_LIMIT,
    ConsoleFilter,
    KeptWebhook,
    ListedPayment,
    ListedPayout,
    Place,
    UnmatchedWebhook,
)
from bridge.journal.console_records import ConsoleRecords, ForAPerson
from bridge.journal.dispatcher import Deliver, Dispatcher
from bridge.journal.draft_requests import Draft
from bridge.journal.errors import (
    IdempotencyKeyReusedError,
    JournalBusyElsewhereError,
    JournalReplacedError,
    JournalUnavailableError,
    JournalUrlError,
    OffsetElsewhereError,
    OffsetUnreadableError,
    PaymentConflictError,
    PayoutRefusedError,
)
from bridge.journal.histories import HistoryRecord
from bridge.journal.history_queries import ForgottenRow
from bridge.journal.journal import Journal
from bridge.journal.payout_queries import PayoutHistoryEntry, PayoutRecord
from bridge.journal.payout_recording import KeyedObservation, observation_key
from bridge.journal.problem_queries import TroubledPayment
from bridge.journal.queries import HistoryEntry, PaymentRecord
from bridge.journal.refund_queries import ListedRefund
from bridge.journal.refund_requests import OpenedRefund
from bridge.journal.requests import IdempotencyKey, Outcome, Recorded, Registered
from bridge.journal.room_queries import Stretch
from bridge.journal.rows import JournaledEvent
from bridge.journal.ruling_requests import ruling_key
from bridge.journal.staged_actions import Action, waiting_name
from bridge.journal.staged_chains import ChainTransfer
from bridge.journal.staged_destinations import AllowedDestination
from bridge.journal.staged_holds import PayoutHold
from bridge.journal.total_queries import DayTotal
from bridge.journal.unfinished_queries import CompletedPayment, EndedPayment

__all__ = [
    "TOTAL_LIMIT",
    "Action",
    "AllowedDestination",
    "ChainAlarm",
    "ChainCommit",
    "ChainRecords",
    "ChainTransfer",
    "Commit",
    "CommitTimes",
    "CommittedStep",
    "CompletedPayment",
    "ConsoleFilter",
    "ConsoleRecords",
    "DayTotal",
    "Deliver",
    "Dispatcher",
    "Draft",
    "EndedPayment",
    "ForAPerson",
    "ForgottenRow",
    "HistoryEntry",
    "HistoryRecord",
    "IdempotencyKey",
    "IdempotencyKeyReusedError",
    "Journal",
    "JournalBusyElsewhereError",
    "JournalReplacedError",
    "JournalUnavailableError",
    "JournalUrlError",
    "JournaledEvent",
    "KeptWebhook",
    "KeyedObservation",
    "ListedPayment",
    "ListedPayout",
    "ListedRefund",
    "OffsetElsewhereError",
    "OffsetUnreadableError",
    "OpenedRefund",
    "Outcome",
    "OwnAddress",
    "PaymentConflictError",
    "PaymentRecord",
    "PayoutHistoryEntry",
    "PayoutHold",
    "PayoutRecord",
    "PayoutRefusedError",
    "Place",
    "Recorded",
    "Registered",
    "Stretch",
    "TroubledPayment",
    "UnmatchedTransfer",
    "UnmatchedWebhook",
    "WaitedCoin",
    "observation_key",
    "ruling_key",
    "waiting_name",
]
